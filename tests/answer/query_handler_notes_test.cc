// SPDX-License-Identifier: Apache-2.0
// What the query handler tells the query log.
#include <memory>
#include <optional>
#include <vector>

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

  std::vector<NoteSource> Sources() {
    std::vector<NoteSource> sources;
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
  EXPECT_THAT(Sources(), ElementsAre(NoteSource::kMiss, NoteSource::kHit, NoteSource::kLocal,
                                     NoteSource::kRefused, NoteSource::kFailure));
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
