// SPDX-License-Identifier: Apache-2.0
#include "query_log/query_line.h"

#include <string>

#include "gtest/gtest.h"

namespace dotcache {
namespace {

// 2026-01-02T03:04:05.678Z.
constexpr Duration kReplied = Seconds{1'767'323'045} + Milliseconds{678};

QueryNote NoteFor(absl::string_view name) {
  QueryNote note;
  note.kind = NoteKind::kClientReply;
  note.transport = Transport::kDot;
  note.source = ReplySource::kStale;
  note.rcode = Rcode::kNxDomain;
  note.qtype = QType::kAaaa;
  note.peer = *Endpoint::Parse("[2001:db8::1]:4242");
  note.begun = MonoTime(Seconds{5});
  note.ended = MonoTime(Seconds{5} + Duration{12'345});
  note.name = *DomainName::FromText(name);
  return note;
}

std::string LineFor(const QueryNote& note) {
  const Pseudonyms plain(Disclosure::kPlain, Disclosure::kPlain);
  std::string line;
  AppendQueryLine(note, kReplied, plain, line);
  return line;
}

TEST(QueryLineTest, ALineNamesEverythingAboutTheQueryAndItsReply) {
  EXPECT_EQ(LineFor(NoteFor("www.example.com")),
            "2026-01-02T03:04:05.678Z client=[2001:db8::1]:4242 transport=dot "
            "name=www.example.com. type=AAAA rcode=NXDOMAIN source=stale us=12\n");
}

TEST(QueryLineTest, AnUpstreamServerHasALineForAQueryAndOneForItsResponse) {
  QueryNote note = NoteFor("www.example.com");
  note.kind = NoteKind::kUpstreamResponse;
  note.peer = *Endpoint::Parse("192.0.2.2:853");
  EXPECT_EQ(LineFor(note),
            "2026-01-02T03:04:05.678Z server=192.0.2.2:853 transport=dot "
            "name=www.example.com. type=AAAA rcode=NXDOMAIN us=12\n");
  note.kind = NoteKind::kUpstreamQuery;
  EXPECT_EQ(LineFor(note),
            "2026-01-02T03:04:05.678Z server=192.0.2.2:853 transport=dot "
            "name=www.example.com. type=AAAA\n");
}

TEST(QueryLineTest, AnUnknownQuestionIsADash) {
  QueryNote note = NoteFor("www.example.com");
  note.qtype = QType::kNone;
  EXPECT_NE(LineFor(note).find(" name=- type=- "), std::string::npos);
}

TEST(QueryLineTest, ANameCannotBreakTheLine) {
  const std::string line = LineFor(NoteFor("a\\010b\\032c\\061d.example"));
  EXPECT_NE(line.find(" name=a\\010b\\032c=d.example. "), std::string::npos) << line;
  EXPECT_EQ(line.find('\n'), line.size() - 1);
}

}  // namespace
}  // namespace dotcache
