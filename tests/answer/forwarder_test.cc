// SPDX-License-Identifier: Apache-2.0
#include "answer/forwarder.h"

#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
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

class ForwarderTest : public testing::Test {
 protected:
  void SetUp() override { Make(); }

  // Creates the forwarder. Called again after a change of the limits.
  void Make() {
    forwarder_ = std::make_unique<Forwarder>(Forwarder::Environment{
        loop_, cache_, exchanger_, replies_, counters_, limits_, nullptr, &zones_});
  }

  Query QueryFor(const char* name, uint16_t id) {
    const auto parsed = ParseQuery(MessageBuilder().Id(id).Question(name, QType::kA).Opt().Build());
    return std::get<Query>(parsed);
  }

  CacheKey KeyFor(const char* name) {
    return {QueryFor(name, 1).question, false, false, cache_.seed()};
  }

  bool Forward(const char* name = kName, uint16_t id = 1) {
    const Query query = QueryFor(name, id);
    return forwarder_->Forward({query, address_, sink_}, KeyFor(name), nullptr, loop_.Now());
  }

  // Forwards like the query handler, with the entry that the cache found.
  bool ForwardFound() {
    const Query query = QueryFor(kName, 1);
    const Found found = cache_.Lookup(KeyFor(kName), loop_.Now());
    return forwarder_->Forward({query, address_, sink_}, KeyFor(kName), found.entry, loop_.Now());
  }

  ParsedMessage Reply(size_t index) {
    EXPECT_GT(sink_.replies().size(), index);
    if (sink_.replies().size() <= index) return {};
    return ParsedMessage::Parse(sink_.replies()[index].wire);
  }

  WireMessage Answer(const char* name = kName, uint32_t ttl = 300) {
    return MakeResponse(name, QType::kA, {ARecord(name, ttl, "192.0.2.1")});
  }

  SimulatedLoop loop_;
  ResponseCache cache_{SmallCache(), HashSeed{1, 2}};
  FakeExchanger exchanger_;
  WorkerCounters counters_;
  ServerLimits limits_{.query_timeout = Seconds{2}};
  ReplyWriter replies_{counters_, limits_, Seconds{30}};
  const std::vector<DomainName> zone_names_ = {DomainName(), *DomainName::FromText("corp.test")};
  const ZoneNames zones_{zone_names_};
  ReplyAddress address_;
  RecordingSink sink_;
  std::unique_ptr<Forwarder> forwarder_;
};

TEST_F(ForwarderTest, ClientIsAnsweredAtItsDeadlineAndTheExchangeGoesOn) {
  EXPECT_TRUE(Forward());
  ASSERT_EQ(exchanger_.calls().size(), 1u);
  EXPECT_EQ(exchanger_.calls()[0].deadline, loop_.Now() + Milliseconds{5000});
  loop_.Advance(Milliseconds{1999});
  EXPECT_TRUE(sink_.replies().empty());
  loop_.Advance(Milliseconds{1});
  EXPECT_EQ(Reply(0).rcode, Rcode::kServFail);
  EXPECT_EQ(Reply(0).extended_error, static_cast<uint16_t>(ExtendedErrorCode::kNetworkError));
  EXPECT_EQ(forwarder_->waiter_count(), 0u);
  EXPECT_FALSE(exchanger_.calls()[0].cancelled);
  EXPECT_EQ(counters_.pending_queries.value(), 1u);

  loop_.Advance(Seconds{1});
  exchanger_.Respond(0, Answer());
  EXPECT_EQ(sink_.replies().size(), 1u);
  EXPECT_EQ(cache_.Lookup(KeyFor(kName), loop_.Now()).state, Found::State::kFresh);
  EXPECT_EQ(counters_.pending_queries.value(), 0u);
}

TEST_F(ForwarderTest, EachClientHasItsOwnDeadline) {
  Forward(kName, 1);
  loop_.Advance(Milliseconds{1500});
  Forward(kName, 2);
  loop_.Advance(Milliseconds{500});
  ASSERT_EQ(sink_.replies().size(), 1u);
  EXPECT_EQ(Reply(0).header.id, 1);
  loop_.Advance(Milliseconds{1499});
  EXPECT_EQ(sink_.replies().size(), 1u);
  loop_.Advance(Milliseconds{1});
  ASSERT_EQ(sink_.replies().size(), 2u);
  EXPECT_EQ(Reply(1).header.id, 2);
  EXPECT_EQ(exchanger_.calls().size(), 1u);
}

TEST_F(ForwarderTest, RetryJoinsTheExchangeInProgress) {
  Forward(kName, 1);
  loop_.Advance(Milliseconds{2500});
  EXPECT_TRUE(Forward(kName, 2));
  EXPECT_EQ(exchanger_.calls().size(), 1u);
  EXPECT_EQ(counters_.coalesced_queries.value(), 1u);
  exchanger_.Respond(0, Answer());
  EXPECT_EQ(Reply(1).header.id, 2);
  EXPECT_EQ(Reply(1).rcode, Rcode::kNoError);
}

TEST_F(ForwarderTest, OneTimerServesAllWaitingClients) {
  for (int i = 0; i < 100; ++i) {
    Forward(absl::StrCat("n", i, ".example").c_str());
    loop_.Advance(Milliseconds{1});
  }
  EXPECT_EQ(loop_.armed_timer_count(), 1u);
  loop_.Advance(Milliseconds{1900});
  EXPECT_EQ(sink_.replies().size(), 1u);
  loop_.Advance(Milliseconds{50});
  EXPECT_EQ(sink_.replies().size(), 51u);
  loop_.Advance(Milliseconds{100});
  EXPECT_EQ(sink_.replies().size(), 100u);
  EXPECT_EQ(loop_.armed_timer_count(), 0u);
}

TEST_F(ForwarderTest, ManyClientsOfOneNameDoNotCancelOtherExchanges) {
  limits_.tuning.max_waiters_per_query = 1;
  Make();
  Forward("late.example");
  loop_.Advance(Seconds{3});  // No client waits for it any more.
  Forward("hot.example", 1);
  EXPECT_FALSE(Forward("hot.example", 2));
  EXPECT_FALSE(exchanger_.calls()[0].cancelled);
  exchanger_.Respond(0, Answer("late.example"));
  EXPECT_EQ(cache_.Lookup(KeyFor("late.example"), loop_.Now()).state, Found::State::kFresh);
}

TEST_F(ForwarderTest, OnlyAClientAtItsLimitGetsServFail) {
  limits_.max_pending_per_client = 2;
  Make();
  EXPECT_TRUE(Forward("a.example"));
  EXPECT_TRUE(Forward("b.example"));
  EXPECT_FALSE(Forward("c.example"));
  EXPECT_FALSE(Forward("a.example", 2));  // To join an exchange also counts.
  EXPECT_EQ(counters_.limit(Limit::kPerClient).value(), 2u);
  EXPECT_EQ(Reply(0).rcode, Rcode::kServFail);
  EXPECT_EQ(Reply(0).extended_error, static_cast<uint16_t>(ExtendedErrorCode::kOther));
  EXPECT_EQ(exchanger_.calls().size(), 2u);

  address_.client = *Endpoint::Parse("192.0.2.9:1");
  EXPECT_TRUE(Forward("c.example"));
}

TEST_F(ForwarderTest, EachReplyReturnsTheShareOfItsClient) {
  limits_.max_pending_per_client = 1;
  Make();
  EXPECT_TRUE(Forward("answered.example"));
  exchanger_.Respond(0, Answer("answered.example"));
  EXPECT_TRUE(Forward("failed.example"));
  exchanger_.Fail(1, ExchangeFailure::kUnreachable);
  EXPECT_TRUE(Forward("late.example"));
  loop_.Advance(Seconds{2});  // The exchange goes on, but the client has its reply.
  EXPECT_TRUE(Forward("next.example"));
  exchanger_.Fail(3, ExchangeFailure::kUnreachable);
  exchanger_.FailAtOnce(ExchangeFailure::kUnreachable);
  EXPECT_FALSE(Forward("down.example"));
  exchanger_.FailAtOnce(ExchangeFailure::kNone);
  EXPECT_TRUE(Forward("up.example"));
  EXPECT_EQ(counters_.limit(Limit::kPerClient).value(), 0u);
}

TEST_F(ForwarderTest, ClientAtItsLimitGetsStaleDataIfThereIsSome) {
  limits_.max_pending_per_client = 1;
  Make();
  Forward();
  exchanger_.Respond(0, Answer());
  loop_.Advance(Seconds{301});
  Forward("other.example");
  EXPECT_FALSE(ForwardFound());
  EXPECT_EQ(Reply(1).rcode, Rcode::kNoError);
  EXPECT_EQ(counters_.stale_answers.value(), 1u);
}

TEST_F(ForwarderTest, AllWaitingClientsTogetherHaveALimit) {
  limits_.max_pending_queries = 2;
  limits_.tuning.max_waiters_per_query = 3;
  Make();
  for (const char* client : {"192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1"}) {
    address_.client = *Endpoint::Parse(client);
    EXPECT_TRUE(Forward());
  }
  address_.client = *Endpoint::Parse("192.0.2.4:1");
  EXPECT_TRUE(Forward("other.example"));
  address_.client = *Endpoint::Parse("192.0.2.5:1");
  EXPECT_FALSE(Forward("other.example"));
  EXPECT_EQ(counters_.limit(Limit::kWaiters).value(), 1u);
}

TEST_F(ForwarderTest, RepeatedQueryGetsOneReply) {
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Forward(kName, 7));
  EXPECT_EQ(forwarder_->waiter_count(), 1u);
  exchanger_.Respond(0, Answer());
  EXPECT_EQ(sink_.replies().size(), 1u);
  EXPECT_EQ(Reply(0).rcode, Rcode::kNoError);
}

TEST_F(ForwarderTest, ClientWithMostQueriesMakesRoomAndGetsServFailAtTheEndOfTheTurn) {
  limits_.max_pending_queries = 2;
  Make();
  Forward("a.example", 1);
  Forward("b.example", 2);
  address_.client = *Endpoint::Parse("192.0.2.9:1");
  EXPECT_TRUE(Forward("c.example", 3));
  EXPECT_TRUE(exchanger_.calls()[1].cancelled);
  EXPECT_TRUE(sink_.replies().empty());
  EXPECT_EQ(forwarder_->waiter_count(), 3u);
  loop_.RunUntilIdle();
  EXPECT_EQ(Reply(0).header.id, 2);
  EXPECT_EQ(Reply(0).rcode, Rcode::kServFail);
  EXPECT_EQ(Reply(0).extended_error, static_cast<uint16_t>(ExtendedErrorCode::kOther));
  EXPECT_EQ(sink_.replies().size(), 1u);
  EXPECT_EQ(counters_.limit(Limit::kPendingQueries).value(), 1u);
  EXPECT_EQ(counters_.pending_queries.value(), 2u);
  EXPECT_EQ(forwarder_->waiter_count(), 2u);
}

// Stale data.

TEST_F(ForwarderTest, ClientWithStaleDataHasAShorterDeadline) {
  Forward();
  exchanger_.Respond(0, Answer());
  loop_.Advance(Seconds{300});
  EXPECT_TRUE(ForwardFound());
  loop_.Advance(Milliseconds{1799});
  EXPECT_EQ(sink_.replies().size(), 1u);
  loop_.Advance(Milliseconds{1});
  EXPECT_EQ(Reply(1).extended_error, static_cast<uint16_t>(ExtendedErrorCode::kStaleAnswer));
  EXPECT_THAT(Reply(1).answer, testing::ElementsAre("www.example.com. 30 IN A 192.0.2.1"));
  EXPECT_EQ(counters_.stale_answers.value(), 1u);
  EXPECT_EQ(counters_.failed_refreshes.value(), 0u);
  exchanger_.Fail(1, ExchangeFailure::kTimeout);
  EXPECT_EQ(counters_.failed_refreshes.value(), 1u);
}

TEST_F(ForwarderTest, StaleDataIsServedEvenIfEvictedMeanwhile) {
  Forward();
  exchanger_.Respond(0, Answer());
  loop_.Advance(Seconds{300});
  ForwardFound();
  cache_.Clear();
  exchanger_.Fail(1, ExchangeFailure::kUnreachable);
  EXPECT_EQ(Reply(1).rcode, Rcode::kNoError);
}

TEST_F(ForwarderTest, StaleDataServedAtALimitIsNoFailedRefresh) {
  Forward();
  exchanger_.Respond(0, Answer());
  loop_.Advance(Seconds{300});
  limits_.max_pending_queries = 1;
  Make();
  Forward("other.example");
  EXPECT_FALSE(ForwardFound());
  EXPECT_EQ(Reply(1).rcode, Rcode::kNoError);
  exchanger_.Respond(1, Answer("other.example"));
  exchanger_.FailAtOnce(ExchangeFailure::kLimit);
  EXPECT_FALSE(ForwardFound());
  EXPECT_EQ(Reply(3).rcode, Rcode::kNoError);
  EXPECT_TRUE(cache_.Lookup(KeyFor(kName), loop_.Now()).refresh_due);
  exchanger_.FailAtOnce(ExchangeFailure::kUnreachable);
  EXPECT_FALSE(ForwardFound());
  EXPECT_EQ(Reply(4).rcode, Rcode::kNoError);
  EXPECT_FALSE(cache_.Lookup(KeyFor(kName), loop_.Now()).refresh_due);
}

TEST_F(ForwarderTest, AliasesOfWhichAllPartsAreKnownNeedNoPlace) {
  limits_.max_pending_queries = 1;
  Make();
  Forward();
  exchanger_.Respond(0, MakeResponse(kName, QType::kA, {CnameRecord(kName, 300, "a.corp.test")}));
  exchanger_.Respond(1, Answer("a.corp.test", /*ttl=*/10));
  loop_.Advance(Seconds{11});
  Forward("a.corp.test");
  exchanger_.Respond(2, Answer("a.corp.test"));
  Forward("other.example");
  const size_t before = sink_.replies().size();
  EXPECT_FALSE(Forward());
  EXPECT_EQ(Reply(before).rcode, Rcode::kNoError);
  EXPECT_EQ(exchanger_.calls().size(), 4u);
  EXPECT_FALSE(exchanger_.calls()[3].cancelled);
}

TEST_F(ForwarderTest, LimitsAreNotCachedAsFailures) {
  exchanger_.FailAtOnce(ExchangeFailure::kLimit);
  Forward();
  EXPECT_EQ(cache_.Lookup(KeyFor(kName), loop_.Now()).state, Found::State::kNothing);
  exchanger_.FailAtOnce(ExchangeFailure::kUnreachable);
  Forward();
  EXPECT_EQ(cache_.Lookup(KeyFor(kName), loop_.Now()).state, Found::State::kFailure);
}

TEST_F(ForwarderTest, LateAndImmediateLimitFailuresAreCountedAlike) {
  Forward();
  exchanger_.Fail(0, ExchangeFailure::kLimit);
  EXPECT_EQ(Reply(0).rcode, Rcode::kServFail);
  EXPECT_EQ(counters_.limit(Limit::kUpstream).value(), 1u);
}

// Prefetch.

TEST_F(ForwarderTest, QueriesJoinAPrefetchInProgress) {
  forwarder_->Prefetch(QueryFor(kName, 1), KeyFor(kName));
  forwarder_->Prefetch(QueryFor(kName, 1), KeyFor(kName));
  EXPECT_EQ(exchanger_.calls().size(), 1u);
  EXPECT_EQ(counters_.prefetches.value(), 1u);
  EXPECT_EQ(forwarder_->waiter_count(), 0u);
  EXPECT_EQ(loop_.armed_timer_count(), 0u);
  EXPECT_TRUE(Forward());
  EXPECT_EQ(exchanger_.calls().size(), 1u);
  exchanger_.Respond(0, Answer());
  EXPECT_EQ(Reply(0).rcode, Rcode::kNoError);
}

TEST_F(ForwarderTest, PrefetchesUseAnEighthOfThePlacesAndMakeRoom) {
  limits_.max_pending_queries = 16;
  Make();
  for (int i = 0; i < 10; ++i) {
    const std::string name = absl::StrCat("p", i, ".example");
    forwarder_->Prefetch(QueryFor(name.c_str(), 1), KeyFor(name.c_str()));
  }
  EXPECT_EQ(exchanger_.calls().size(), 2u);
  // One place is for clients that hold none.
  for (int i = 0; i < 15; ++i) EXPECT_TRUE(Forward(absl::StrCat("n", i, ".example").c_str()));
  EXPECT_TRUE(exchanger_.calls()[0].cancelled);
  EXPECT_TRUE(exchanger_.calls()[1].cancelled);
  forwarder_->Prefetch(QueryFor("q.example", 1), KeyFor("q.example"));
  EXPECT_EQ(exchanger_.calls().size(), 17u);
}

TEST_F(ForwarderTest, AtTheLimitAnExchangeWithoutClientsMakesRoom) {
  limits_.max_pending_queries = 2;
  Make();
  Forward("a.example");
  loop_.Advance(Milliseconds{1000});
  Forward("b.example");
  EXPECT_FALSE(Forward("c.example"));
  EXPECT_EQ(counters_.limit(Limit::kPendingQueries).value(), 1u);
  EXPECT_EQ(Reply(0).rcode, Rcode::kServFail);
  loop_.Advance(Milliseconds{1000});
  EXPECT_EQ(sink_.replies().size(), 2u);  // The reply to the query for a.example.
  EXPECT_TRUE(Forward("c.example"));
  EXPECT_TRUE(exchanger_.calls()[0].cancelled);
  EXPECT_FALSE(exchanger_.calls()[1].cancelled);
  EXPECT_EQ(counters_.pending_queries.value(), 2u);
}

}  // namespace
}  // namespace dotcache
