// SPDX-License-Identifier: Apache-2.0
// What the query handler tells the query log.
#include <memory>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "answer/query_handler.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "local/local_data.h"
#include "tests/answer/handler_test_support.h"
#include "tests/support/message_builder.h"

namespace dotcache {
namespace {

using testing::ElementsAre;

class QueryHandlerNotesTest : public HandlerTest {
 protected:
  void Make(bool with_messages) {
    queue_.emplace(/*sample=*/1, with_messages);
    QueryHandler::Environment environment{loop_,         cache_,    &exchanger_, access_,
                                          &local_names_, counters_, limits_};
    environment.query_log = &*queue_;
    handler_ = std::make_unique<QueryHandler>(environment);
  }

  void Ask(const WireMessage& message) {
    handler_->Handle(message, /*cut=*/false, ClientAddress(), sink_);
  }

  std::vector<QueuedNote> Notes() {
    std::vector<QueuedNote> notes;
    queue_->Take(notes);
    return notes;
  }

  std::vector<ReplySource> Sources() {
    std::vector<ReplySource> sources;
    for (const QueuedNote& queued : Notes()) sources.push_back(queued.note.source);
    return sources;
  }

  std::optional<NoteQueue> queue_;
  const LocalNames local_names_{nullptr,
                                std::make_unique<LocalZones>(absl::Span<const DomainName>())};
};

TEST_F(QueryHandlerNotesTest, EachReplyIsNotedWithItsSource) {
  Make(/*with_messages=*/false);
  const WireMessage query = MakeQuery("Www.example.com", QType::kA);
  Ask(query);
  loop_.Advance(Seconds{1});
  exchanger_.Respond(0, MakeResponse("www.example.com", QType::kA,
                                     {ARecord("www.example.com", 300, "192.0.2.1")}));
  Ask(query);
  Ask(MakeQuery("a.test", QType::kA));
  Ask(MessageBuilder().Question("b.example", QType::kA).Qdcount(2).Build());
  Ask(MakeQuery("c.example", QType::kA));
  exchanger_.Fail(1, ExchangeFailure::kUnreachable);
  EXPECT_THAT(Sources(), ElementsAre(ReplySource::kMiss, ReplySource::kHit, ReplySource::kLocal,
                                     ReplySource::kRefused, ReplySource::kFailure));
}

TEST_F(QueryHandlerNotesTest, AnExchangeIsObservedIfItsQueryIsInTheSample) {
  queue_.emplace(/*sample=*/2, /*with_messages=*/false, /*upstream=*/true);
  QueryHandler::Environment environment{loop_,         cache_,    &exchanger_, access_,
                                        &local_names_, counters_, limits_};
  environment.query_log = &*queue_;
  handler_ = std::make_unique<QueryHandler>(environment);
  size_t observed = 0;
  for (size_t i = 0; i < 40; ++i) {
    loop_.Advance(Milliseconds{1});
    const bool sampled = queue_->IsSampled(ClientAddress().client, loop_.Now());
    Ask(MakeQuery(absl::StrCat("a", i, ".example"), QType::kA));
    EXPECT_EQ(exchanger_.calls().at(i).query.observed, sampled);
    observed += sampled ? 1 : 0;
  }
  EXPECT_GT(observed, 0u);
  EXPECT_LT(observed, 40u);
}

TEST_F(QueryHandlerNotesTest, RepliesAreCountedByTheKindOfTheirZone) {
  const std::vector<DomainName> names = {*DomainName::FromText("corp.example")};
  const ZoneNames zones(names);
  QueryHandler::Environment environment{loop_,         cache_,    &exchanger_, access_,
                                        &local_names_, counters_, limits_};
  environment.zones = &zones;
  handler_ = std::make_unique<QueryHandler>(environment);
  for (const char* name : {"www.example", "www.corp.example"}) {
    Ask(MakeQuery(name, QType::kA));
    exchanger_.Respond(exchanger_.calls().size() - 1,
                       MakeResponse(name, QType::kA, {ARecord(name, 300, "192.0.2.1")}));
    Ask(MakeQuery(name, QType::kA));
    Ask(MakeQuery(absl::StrCat("x.", name), QType::kA));
    exchanger_.Fail(exchanger_.calls().size() - 1, ExchangeFailure::kErrors);
  }
  const auto udp = static_cast<size_t>(Transport::kUdp);
  for (const bool private_zone : {false, true}) {
    const auto count = [&](ReplySource source, Rcode rcode) {
      return counters_.responses[PlaceOf({source, private_zone})][udp][RcodeSlot(rcode)].value();
    };
    EXPECT_EQ(count(ReplySource::kMiss, Rcode::kNoError), 1u);
    EXPECT_EQ(count(ReplySource::kHit, Rcode::kNoError), 1u);
    EXPECT_EQ(count(ReplySource::kFailure, Rcode::kServFail), 1u);
  }
}

TEST_F(QueryHandlerNotesTest, ANoteHasTheClientTheQuestionAndTheTimeOfArrival) {
  Make(/*with_messages=*/false);
  const MonoTime arrival = loop_.Now();
  Ask(MakeQuery("Www.example.com", QType::kAaaa));
  loop_.Advance(Seconds{1});
  exchanger_.Respond(0, MakeNegativeResponse("www.example.com", QType::kAaaa, Rcode::kNxDomain,
                                             SoaRecord("example.com", 300, 300)));
  const std::vector<QueuedNote> notes = Notes();
  ASSERT_EQ(notes.size(), 1u);
  const QueryNote& note = notes[0].note;
  EXPECT_TRUE(note.is_reply());
  EXPECT_EQ(note.peer, ClientAddress().client);
  EXPECT_EQ(note.name.ToString(), "Www.example.com.");
  EXPECT_EQ(note.qtype, QType::kAaaa);
  EXPECT_EQ(note.rcode, Rcode::kNxDomain);
  EXPECT_EQ(note.begun, arrival);
  EXPECT_TRUE(notes[0].message.empty());
}

TEST_F(QueryHandlerNotesTest, ForDnstapQueriesAndRepliesAreNotedWithTheirMessages) {
  Make(/*with_messages=*/true);
  const WireMessage query = MakeQuery("a.test", QType::kA);
  Ask(query);
  const std::vector<QueuedNote> notes = Notes();
  ASSERT_EQ(notes.size(), 2u);
  EXPECT_FALSE(notes[0].note.is_reply());
  EXPECT_EQ(notes[0].message, query);
  EXPECT_TRUE(notes[1].note.is_reply());
  EXPECT_EQ(notes[1].message, sink_.replies().at(0).wire);
  EXPECT_EQ(notes[0].note.begun, notes[1].note.begun);
}

}  // namespace
}  // namespace dotcache
