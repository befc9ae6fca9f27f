// SPDX-License-Identifier: Apache-2.0
#include "query_log/query_json.h"

#include <nlohmann/json.hpp>
#include <string>

#include "gtest/gtest.h"
#include "tests/query_log/query_note_data.h"

namespace dotcache {
namespace {

// 2026-01-02T03:04:05.678Z.
constexpr Duration kAt = Seconds{1'767'323'045} + Milliseconds{678};

std::string LineFor(const QueryNote& note) {
  const Pseudonyms plain(Disclosure::kPlain, Disclosure::kPlain);
  std::string line;
  AppendQueryJson(note, kAt, plain, line);
  return line;
}

QueryNote ReplyTo(absl::string_view name) {
  QueryNote note = NoteAt(Seconds{5});
  note.ended = MonoTime(Seconds{5} + Duration{12'345});
  note.name = *DomainName::FromText(name);
  return note;
}

TEST(QueryJsonTest, AReplyIsOneObjectInOneLine) {
  EXPECT_EQ(LineFor(ReplyTo("www.example.com")),
            R"({"time":"2026-01-02T03:04:05.678Z","event":"reply","client":"192.0.2.1:4242",)"
            R"("transport":"udp","name":"www.example.com.","type":"A","rcode":"NOERROR",)"
            R"("source":"hit","us":12})"
            "\n");
}

TEST(QueryJsonTest, MessagesOfUpstreamServersNameTheServer) {
  QueryNote note = ReplyTo("a.example");
  note.kind = NoteKind::kUpstreamQuery;
  EXPECT_EQ(LineFor(note),
            R"({"time":"2026-01-02T03:04:05.678Z","event":"upstream-query",)"
            R"("server":"192.0.2.1:4242","transport":"udp","name":"a.example.","type":"A"})"
            "\n");
  note.kind = NoteKind::kUpstreamResponse;
  const auto parsed = nlohmann::json::parse(LineFor(note));
  EXPECT_EQ(parsed["event"], "upstream-response");
  EXPECT_EQ(parsed["rcode"], "NOERROR");
  EXPECT_EQ(parsed["us"], 12);
  EXPECT_FALSE(parsed.contains("source"));
}

TEST(QueryJsonTest, AnUnknownQuestionIsAbsent) {
  QueryNote note = ReplyTo("a.example");
  note.qtype = QType::kNone;
  const auto parsed = nlohmann::json::parse(LineFor(note));
  EXPECT_FALSE(parsed.contains("name"));
  EXPECT_FALSE(parsed.contains("type"));
}

TEST(QueryJsonTest, AnyNameIsValidJson) {
  const auto parsed = nlohmann::json::parse(LineFor(ReplyTo("a\\\"\\\\\\010\\200.example")));
  EXPECT_EQ(parsed["name"], ReplyTo("a\\\"\\\\\\010\\200.example").name.ToString());
}

}  // namespace
}  // namespace dotcache
