// SPDX-License-Identifier: Apache-2.0
// Tests which of two workers with a common cache begins a refresh.
#include <memory>

#include "answer/query_handler.h"
#include "gtest/gtest.h"
#include "tests/answer/handler_test_support.h"
#include "tests/support/fake_exchanger.h"
#include "tests/support/message_builder.h"
#include "tests/support/parsed_message.h"
#include "tests/support/recording_sink.h"
#include "tests/support/simulated_loop.h"

namespace dotcache {
namespace {

constexpr char kName[] = "www.example.com";

class QueryHandlerRefreshTest : public testing::Test {
 protected:
  struct Worker {
    QueryHandler& handler() {
      if (made == nullptr) {
        made = std::make_unique<QueryHandler>(QueryHandler::Environment{
            test.loop_, test.cache_, &exchanger, test.access_, nullptr, counters, test.limits_});
      }
      return *made;
    }

    HandleResult Ask(uint16_t flags = kFlagRd) {
      const WireMessage query =
          MessageBuilder().Flags(flags).Question(kName, QType::kA).Opt().Build();
      return handler().Handle(query, /*cut=*/false, ClientAddress(), sink);
    }

    void Respond(uint32_t ttl) {
      exchanger.Respond(exchanger.calls().size() - 1,
                        MakeResponse(kName, QType::kA, {ARecord(kName, ttl, "192.0.2.1")}));
    }
    void Fail() { exchanger.Fail(exchanger.calls().size() - 1, ExchangeFailure::kUnreachable); }
    size_t exchanges() const { return exchanger.calls().size(); }

    QueryHandlerRefreshTest& test;
    FakeExchanger exchanger = {};
    WorkerCounters counters = {};
    RecordingSink sink = {};
    std::unique_ptr<QueryHandler> made = nullptr;
  };

  // The data is stale and the retry is due.
  void StaleAndDue() {
    one_.Ask();
    one_.Respond(300);
    loop_.Advance(Seconds{301});
    one_.Ask();
    one_.Fail();
    loop_.Advance(Seconds{30});
  }

  SimulatedLoop loop_;
  ResponseCache cache_{SmallCache(), HashSeed{1, 2}};
  const AccessPolicy access_{{*AddressPrefix::Parse("192.0.2.0/24")}};
  ServerLimits limits_;
  Worker one_{*this};
  Worker two_{*this};
};

TEST_F(QueryHandlerRefreshTest, QueryWithoutRdDoesNotRefreshStaleData) {
  StaleAndDue();
  EXPECT_EQ(one_.Ask(/*flags=*/0), HandleResult::kReplied);
  EXPECT_EQ(one_.exchanges(), 2u);
  EXPECT_EQ(one_.Ask(), HandleResult::kPending);
  EXPECT_EQ(one_.exchanges(), 3u);
}

TEST_F(QueryHandlerRefreshTest, QueryWithoutRdDoesNotPrefetch) {
  one_.Ask();
  one_.Respond(1000);
  loop_.Advance(Seconds{951});
  for (int i = 0; i < 3; ++i) one_.Ask(/*flags=*/0);
  EXPECT_EQ(one_.exchanges(), 1u);
  one_.Ask();
  EXPECT_EQ(one_.exchanges(), 2u);
}

TEST_F(QueryHandlerRefreshTest, OnlyOneWorkerRefreshesAtATime) {
  limits_.tuning.exchange_timeout = Seconds{30};
  one_.Ask();
  one_.Respond(1000);
  loop_.Advance(Seconds{951});
  one_.Ask();
  one_.Ask();
  ASSERT_EQ(one_.exchanges(), 2u);
  loop_.Advance(Seconds{30});
  two_.Ask();
  EXPECT_EQ(two_.exchanges(), 0u);
  loop_.Advance(Seconds{6});
  two_.Ask();
  EXPECT_EQ(two_.exchanges(), 1u);
}

// Data that another worker stores while this worker's exchange is in progress is refreshed in time,
// whatever the result of that exchange.
TEST_F(QueryHandlerRefreshTest, SlowExchangeDoesNotAffectDataStoredMeanwhile) {
  one_.Ask();
  loop_.Advance(limits_.query_timeout - Milliseconds{1});
  two_.Ask();
  two_.Respond(5);
  loop_.Advance(Milliseconds{1});
  EXPECT_EQ(one_.sink.replies().size(), 1u);
  loop_.Advance(Seconds{6});
  EXPECT_EQ(two_.Ask(), HandleResult::kPending);
}

TEST_F(QueryHandlerRefreshTest, FailedExchangeDoesNotAffectDataStoredMeanwhile) {
  one_.Ask();
  loop_.Advance(Milliseconds{1});
  two_.Ask();
  two_.Respond(5);
  one_.Fail();
  EXPECT_EQ(ParsedMessage::Parse(one_.sink.replies().back().wire).rcode, Rcode::kNoError);
  loop_.Advance(Seconds{6});
  EXPECT_EQ(two_.Ask(), HandleResult::kPending);
}

}  // namespace
}  // namespace dotcache
