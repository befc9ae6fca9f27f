// SPDX-License-Identifier: Apache-2.0
#include "answer/miss_handoff.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "answer/query_handler.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/answer/handler_test_support.h"
#include "tests/support/message_builder.h"
#include "tests/support/parsed_message.h"

namespace dotcache {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr char kName[] = "www.example.com";

// A worker without sockets: its replies are recorded by transport.
struct TestWorker : private ReplySinks {
  ReplySink& SinkFor(const ReplyAddress& address) override {
    return address.transport == Transport::kUdp ? udp : streams;
  }
  ReplySinks& sinks() { return *this; }

  RecordingSink udp;
  RecordingSink streams;
  WorkerCounters counters;
  std::unique_ptr<QueryHandler> handler;
};

// Three workers on one simulated loop. Only the first has upstream servers.
class MissHandoffTest : public testing::Test {
 protected:
  void SetUp() override { Start(); }

  // Called again after a change of the limits.
  void Start() {
    for (TestWorker& worker : workers_) worker.handler.reset();
    board_ = std::make_unique<HandoffBoard>(
        std::size(workers_), 1, static_cast<size_t>(limits_.tuning.max_handed_queries), seed_);
    for (size_t i = 0; i < std::size(workers_); ++i) {
      QueryHandler::Environment environment{loop_,   cache_,  i == 0 ? &exchanger_ : nullptr,
                                            access_, nullptr, workers_[i].counters,
                                            limits_};
      environment.handoff.emplace(HandoffPeers{*board_, i, workers_[i].sinks()});
      workers_[i].handler = std::make_unique<QueryHandler>(environment);
    }
  }

  // One worker receives a query. Its turn ends later, in loop_.RunUntilIdle().
  HandleResult Ask(size_t worker, const char* name = kName,
                   const ReplyAddress& address = ClientAddress()) {
    const WireMessage query = MessageBuilder().Question(name, QType::kA).Opt().Build();
    TestWorker& receiver = workers_[worker];
    return receiver.handler->Handle(query, /*cut=*/false, address,
                                    receiver.sinks().SinkFor(address));
  }

  ReplyAddress StreamAddress(uint64_t session) {
    ReplyAddress address = ClientAddress("192.0.2.9", Transport::kTcp);
    address.session_id = session;
    address.request_id = 1;
    return address;
  }

  void Respond(size_t call = 0, uint32_t ttl = 300) {
    const std::string name = exchanger_.calls()[call].query.question.qname.ToString();
    exchanger_.Respond(call, MakeResponse(name, QType::kA, {ARecord(name, ttl, "192.0.2.1")}));
    loop_.RunUntilIdle();
  }

  void ExpectNoReplyOn(const RecordingSink& sink) {
    Respond();
    EXPECT_THAT(sink.replies(), IsEmpty());
  }

  ParsedMessage Reply(const RecordingSink& sink, size_t index = 0) {
    EXPECT_GT(sink.replies().size(), index);
    if (sink.replies().size() <= index) return {};
    return ParsedMessage::Parse(sink.replies()[index].wire);
  }

  SimulatedLoop loop_;
  const HashSeed seed_{1, 2};
  ResponseCache cache_{SmallCache(), seed_};
  FakeExchanger exchanger_;
  const AccessPolicy access_{{*AddressPrefix::Parse("192.0.2.0/24")}};
  ServerLimits limits_;
  std::unique_ptr<HandoffBoard> board_;
  TestWorker workers_[3];
};

TEST_F(MissHandoffTest, OwnerForwardsTheMissAndRepliesFromItsOwnUdpSocket) {
  ReplyAddress address = ClientAddress();
  address.local = *Endpoint::ParseAddress("192.0.2.200", 0);
  address.listener = 4;
  EXPECT_EQ(Ask(1, kName, address), HandleResult::kPending);
  loop_.RunUntilIdle();
  Respond();
  ASSERT_THAT(workers_[0].udp.replies(), SizeIs(1));
  EXPECT_EQ(Reply(workers_[0].udp).answer.size(), 1u);
  const ReplyAddress& used = workers_[0].udp.replies()[0].address;
  EXPECT_EQ(used.client, address.client);
  EXPECT_EQ(used.local, address.local);
  EXPECT_EQ(used.listener, 4u);
  EXPECT_THAT(workers_[1].udp.replies(), IsEmpty());
}

TEST_F(MissHandoffTest, ReplyToAStreamClientGoesBackToItsWorker) {
  EXPECT_EQ(Ask(2, kName, StreamAddress(77)), HandleResult::kPending);
  loop_.RunUntilIdle();
  Respond();
  ASSERT_THAT(workers_[2].streams.replies(), SizeIs(1));
  EXPECT_EQ(Reply(workers_[2].streams).answer.size(), 1u);
  EXPECT_EQ(workers_[2].streams.replies()[0].address.session_id, 77u);
  EXPECT_EQ(workers_[2].streams.replies()[0].address.request_id, 1u);
  EXPECT_THAT(workers_[0].streams.replies(), IsEmpty());
}

TEST_F(MissHandoffTest, StreamClientThatIsGoneGetsNoReply) {
  Ask(2, kName, StreamAddress(77));
  loop_.RunUntilIdle();
  workers_[2].streams.Disconnect();
  ExpectNoReplyOn(workers_[2].streams);
  EXPECT_EQ(board_->mailbox(2).reply_octets(), 0u);
}

TEST_F(MissHandoffTest, EqualMissesOfAllWorkersShareOneExchange) {
  Ask(0, kName, ClientAddress("192.0.2.10"));
  Ask(1, kName, ClientAddress("192.0.2.11"));
  Ask(2, kName, ClientAddress("192.0.2.12"));
  loop_.RunUntilIdle();
  Ask(1, kName, ClientAddress("192.0.2.13"));
  loop_.RunUntilIdle();
  EXPECT_THAT(exchanger_.calls(), SizeIs(1));
  loop_.Advance(Milliseconds(5));
  Respond();
  EXPECT_THAT(workers_[0].udp.replies(), SizeIs(4));
  EXPECT_EQ(workers_[0].counters.coalesced_queries.value(), 3u);
  EXPECT_EQ(workers_[1].counters.handed_queries.value(), 2u);
  EXPECT_EQ(workers_[0].counters.handed_queries.value(), 0u);
  EXPECT_EQ(workers_[1].counters.cache_misses.value(), 2u);
  EXPECT_EQ(workers_[0].counters.miss_duration.sum(), 20'000u);
}

TEST_F(MissHandoffTest, ResponseThatArrivesDuringTheHandOffIsUsed) {
  Ask(0);
  Ask(1);     // Not handed over before the end of the turn.
  Respond();  // Its exchange ends in this turn.
  EXPECT_THAT(exchanger_.calls(), SizeIs(1));
  EXPECT_THAT(workers_[0].udp.replies(), SizeIs(2));
}

TEST_F(MissHandoffTest, FailureThatIsRecordedDuringTheHandOffIsUsed) {
  Ask(0);
  Ask(1);
  exchanger_.Fail(0, ExchangeFailure::kMalformed);
  loop_.RunUntilIdle();
  EXPECT_THAT(exchanger_.calls(), SizeIs(1));
  ASSERT_THAT(workers_[0].udp.replies(), SizeIs(2));
  EXPECT_EQ(Reply(workers_[0].udp, 1).rcode, Rcode::kServFail);
  EXPECT_EQ(Reply(workers_[0].udp, 1).extended_error,
            static_cast<uint16_t>(ExtendedErrorCode::kCachedError));
}

TEST_F(MissHandoffTest, FullMailboxIsAnsweredWithServFailAndCounted) {
  limits_.tuning.max_handed_queries = 1;
  Start();
  EXPECT_EQ(Ask(1, "a.example"), HandleResult::kPending);
  EXPECT_EQ(Ask(1, "b.example"), HandleResult::kReplied);
  EXPECT_EQ(Ask(2, "c.example"), HandleResult::kReplied);
  EXPECT_EQ(Reply(workers_[1].udp).rcode, Rcode::kServFail);
  EXPECT_EQ(Reply(workers_[1].udp).extended_error,
            static_cast<uint16_t>(ExtendedErrorCode::kOther));
  EXPECT_EQ(workers_[1].counters.limit(Limit::kHandOff).value(), 1u);
  EXPECT_EQ(workers_[2].counters.limit(Limit::kHandOff).value(), 1u);
  loop_.RunUntilIdle();
  EXPECT_EQ(Ask(1, "b.example"), HandleResult::kPending);  // The owner has taken the first.
}

TEST_F(MissHandoffTest, FullMailboxIsAnsweredWithStaleDataIfThereIsAny) {
  Ask(0);
  Respond();
  loop_.Advance(Seconds(301));
  limits_.tuning.max_handed_queries = 0;
  Start();
  EXPECT_EQ(Ask(1), HandleResult::kReplied);
  EXPECT_EQ(Reply(workers_[1].udp).answer.size(), 1u);
  EXPECT_EQ(workers_[1].counters.stale_answers.value(), 1u);
  EXPECT_EQ(workers_[1].counters.limit(Limit::kHandOff).value(), 1u);
}

TEST_F(MissHandoffTest, StaleDataIsServedWhenTheOwnerFails) {
  Ask(0);
  Respond();
  loop_.Advance(Seconds(301));
  Ask(2, kName, StreamAddress(5));
  loop_.RunUntilIdle();
  exchanger_.Fail(1, ExchangeFailure::kUnreachable);
  loop_.RunUntilIdle();
  EXPECT_EQ(Reply(workers_[2].streams).answer.size(), 1u);
}

TEST_F(MissHandoffTest, DeadlineCountsFromTheArrivalAtTheFirstWorker) {
  Ask(1);
  loop_.RunUntilIdle();
  loop_.Advance(limits_.query_timeout - Milliseconds(1));
  EXPECT_THAT(workers_[0].udp.replies(), IsEmpty());
  loop_.Advance(Milliseconds(2));
  EXPECT_EQ(Reply(workers_[0].udp).rcode, Rcode::kServFail);
}

TEST_F(MissHandoffTest, LimitOfOneClientHoldsOverAllWorkers) {
  limits_.max_pending_per_client = 2;
  Start();
  Ask(0, "a.example");
  Ask(1, "b.example");
  loop_.RunUntilIdle();
  Ask(2, "c.example");
  loop_.RunUntilIdle();
  EXPECT_THAT(exchanger_.calls(), SizeIs(2));
  EXPECT_EQ(Reply(workers_[0].udp).rcode, Rcode::kServFail);
  EXPECT_EQ(workers_[0].counters.limit(Limit::kPerClient).value(), 1u);
}

TEST_F(MissHandoffTest, PrefetchIsMadeByTheOwner) {
  Ask(0);
  Respond();
  loop_.Advance(Seconds(290));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Ask(1), HandleResult::kReplied);
  loop_.RunUntilIdle();
  EXPECT_THAT(exchanger_.calls(), SizeIs(2));
  EXPECT_EQ(workers_[0].counters.prefetches.value(), 1u);
  EXPECT_EQ(workers_[1].counters.handed_queries.value(), 0u);
  EXPECT_EQ(board_->mailbox(0).query_count(), 0u);
}

TEST_F(MissHandoffTest, OwnerTakesManyQueriesInSeveralTurns) {
  const size_t count = MissHandoff::kQueriesPerTurn * 2 + 1;
  for (size_t i = 0; i < count; ++i) Ask(1, absl::StrCat("n", i, ".example").c_str());
  loop_.RunUntilIdle();
  EXPECT_THAT(exchanger_.calls(), SizeIs(count));
  EXPECT_EQ(board_->mailbox(0).query_count(), 0u);
}

TEST_F(MissHandoffTest, QueryForAStoppedOwnerIsAnswered) {
  workers_[0].handler.reset();
  EXPECT_EQ(Ask(1), HandleResult::kPending);
  EXPECT_EQ(Ask(2, kName, StreamAddress(3)), HandleResult::kPending);
  loop_.RunUntilIdle();
  EXPECT_EQ(Reply(workers_[1].udp).rcode, Rcode::kServFail);
  EXPECT_EQ(Reply(workers_[1].udp).extended_error,
            static_cast<uint16_t>(ExtendedErrorCode::kNotReady));
  EXPECT_EQ(Reply(workers_[2].streams).rcode, Rcode::kServFail);
}

TEST_F(MissHandoffTest, ReplyForAStoppedWorkerIsDropped) {
  Ask(2, kName, StreamAddress(3));
  loop_.RunUntilIdle();
  workers_[2].handler.reset();
  ExpectNoReplyOn(workers_[2].streams);
}

TEST_F(MissHandoffTest, RepliesBeyondTheirOctetLimitAreEmpty) {
  Ask(2, kName, StreamAddress(3));
  loop_.RunUntilIdle();
  board_->mailbox(2).AddReplyOctets(MissHandoff::kMaxReplyOctets);
  Respond();
  ASSERT_THAT(workers_[2].streams.replies(), SizeIs(1));
  EXPECT_THAT(workers_[2].streams.replies()[0].wire, IsEmpty());
  EXPECT_EQ(workers_[0].counters.limit(Limit::kUnread).value(), 1u);
}

TEST_F(MissHandoffTest, OwnerFinishesAfterTheOtherWorkersAndTheirQueries) {
  Ask(1);
  EXPECT_FALSE(workers_[1].handler->Finish());  // Its query leaves at the end of the turn.
  loop_.RunUntilIdle();
  EXPECT_TRUE(workers_[1].handler->Finish());
  Respond();
  EXPECT_FALSE(workers_[0].handler->Finish());  // Worker 2 may still hand over queries.
  Ask(2, "mail.example.com");
  loop_.RunUntilIdle();
  EXPECT_TRUE(workers_[2].handler->Finish());
  EXPECT_FALSE(workers_[0].handler->Finish());  // A client waits.
  Respond(1);
  EXPECT_TRUE(workers_[0].handler->Finish());
}

TEST(HandoffBoardTest, NamesAreSpreadOverTheOwners) {
  const HandoffBoard board(4, 3, 1, HashSeed{1, 2});
  size_t names_of[4] = {};
  for (int i = 0; i < 3000; ++i) {
    ++names_of[board.OwnerOf(*DomainName::FromText(absl::StrCat("n", i, ".example")))];
  }
  for (int owner = 0; owner < 3; ++owner) EXPECT_GT(names_of[owner], 800u);
  EXPECT_EQ(names_of[3], 0u);
}

}  // namespace
}  // namespace dotcache
