// SPDX-License-Identifier: Apache-2.0
#include "answer/pending_queries.h"

#include <array>
#include <random>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dotcache {
namespace {

using JoinResult = PendingQueries::JoinResult;

CacheKey Key(absl::string_view name, bool dnssec_ok = false) {
  const Question question = {*DomainName::FromText(name), QType::kA, QClass::kIn};
  return CacheKey(question, dnssec_ok, /*checking_disabled=*/false, HashSeed{1, 2});
}

MonoTime At(int64_t ms) { return MonoTime{Milliseconds{ms}}; }

PendingLimits Limits(size_t keys, size_t waiters_per_key) {
  return {
      .keys = keys, .waiters_per_key = waiters_per_key, .waiters_per_client = 100, .waiters = 100};
}

Waiter WaiterWithId(uint16_t id, MonoTime deadline = At(2000)) {
  Waiter waiter = {};
  waiter.query.id = id;
  waiter.deadline = deadline;
  return waiter;
}

// A query of client number `client`.
Waiter WaiterOf(int client, uint16_t id = 1) {
  Waiter waiter = WaiterWithId(id);
  waiter.address.client = *Endpoint::ParseAddress(absl::StrCat("192.0.2.", client), 1234);
  return waiter;
}

// The ids of the evicted queries, and the limit if all have the same one.
std::vector<uint16_t> Ids(const PendingQueries::Evicted& evicted, Limit limit) {
  std::vector<uint16_t> ids;
  for (const auto& [evicted_at, waiter] : evicted.waiters) {
    EXPECT_EQ(evicted_at, limit);
    ids.push_back(waiter.query.id);
  }
  return ids;
}

std::vector<uint16_t> Ids(const Waiters& waiters) {
  std::vector<uint16_t> ids;
  for (const Waiter& waiter : waiters) ids.push_back(waiter.query.id);
  return ids;
}

TEST(PendingQueriesTest, FirstClientBeginsAndLaterClientsJoin) {
  PendingQueries pending(Limits(10, 10));
  EXPECT_EQ(pending.Join(Key("a.example"), WaiterWithId(1)), JoinResult::kFirst);
  EXPECT_EQ(pending.Join(Key("a.example"), WaiterWithId(2)), JoinResult::kJoined);
  EXPECT_EQ(pending.Join(Key("a.example"), WaiterWithId(3)), JoinResult::kJoined);
  EXPECT_EQ(pending.size(), 1u);
  EXPECT_THAT(Ids(pending.Take(Key("a.example"))), testing::ElementsAre(1, 2, 3));
}

TEST(PendingQueriesTest, EachKeyHasItsOwnExchange) {
  PendingQueries pending(Limits(10, 10));
  EXPECT_EQ(pending.Join(Key("a.example"), WaiterWithId(1)), JoinResult::kFirst);
  EXPECT_EQ(pending.Join(Key("b.example"), WaiterWithId(2)), JoinResult::kFirst);
  EXPECT_EQ(pending.Join(Key("a.example", /*dnssec_ok=*/true), WaiterWithId(3)),
            JoinResult::kFirst);
  EXPECT_THAT(Ids(pending.Take(Key("b.example"))), testing::ElementsAre(2));
  EXPECT_EQ(pending.size(), 2u);
}

TEST(PendingQueriesTest, AfterTakeTheNextClientIsFirstAgain) {
  PendingQueries pending(Limits(10, 10));
  pending.Join(Key("a.example"), WaiterWithId(1));
  pending.Take(Key("a.example"));
  EXPECT_EQ(pending.size(), 0u);
  EXPECT_TRUE(pending.Take(Key("a.example")).empty());
  EXPECT_EQ(pending.Join(Key("a.example"), WaiterWithId(2)), JoinResult::kFirst);
}

TEST(PendingQueriesTest, AtTheKeyLimitNewKeysAreRefusedAndKnownKeysJoined) {
  PendingQueries pending(Limits(2, 10));
  pending.Join(Key("a.example"), WaiterWithId(1));
  pending.Join(Key("b.example"), WaiterWithId(2));
  EXPECT_EQ(pending.Join(Key("c.example"), WaiterWithId(3)), JoinResult::kFull);
  EXPECT_EQ(pending.Join(Key("b.example"), WaiterWithId(4)), JoinResult::kJoined);
  EXPECT_TRUE(pending.Take(Key("c.example")).empty());
  EXPECT_EQ(pending.Join(Key("c.example"), WaiterWithId(5)), JoinResult::kFull);
  pending.Take(Key("a.example"));
  EXPECT_EQ(pending.Join(Key("c.example"), WaiterWithId(6)), JoinResult::kFirst);
}

TEST(PendingQueriesTest, AtTheWaiterLimitAKeyAcceptsNoClient) {
  PendingQueries pending(Limits(10, 2));
  for (const uint16_t id : std::array<uint16_t, 2>{1, 2})
    pending.Join(Key("a.example"), WaiterWithId(id));
  EXPECT_EQ(pending.Join(Key("a.example"), WaiterWithId(3)), JoinResult::kCrowded);
  EXPECT_EQ(pending.Join(Key("b.example"), WaiterWithId(4)), JoinResult::kFirst);
  EXPECT_THAT(Ids(pending.Take(Key("a.example"))), testing::ElementsAre(1, 2));
}

TEST(PendingQueriesTest, ClearReportsEveryExchangeAndEmptiesTheTable) {
  PendingQueries pending(Limits(10, 10));
  pending.Join(Key("a.example"), WaiterWithId(1));
  pending.SetExchange(Key("a.example"), 17);
  pending.Join(Key("b.example"), WaiterWithId(2));
  pending.SetExchange(Key("b.example"), 18);
  std::vector<ExchangeId> cancelled;
  pending.Clear([&cancelled](ExchangeId id) { cancelled.push_back(id); });
  EXPECT_THAT(cancelled, testing::UnorderedElementsAre(17, 18));
  EXPECT_EQ(pending.size(), 0u);
}

TEST(PendingQueriesTest, ExpiredClientsLeaveAndTheExchangeStays) {
  PendingQueries pending(Limits(10, 10));
  EXPECT_FALSE(pending.next_deadline().has_value());
  pending.Join(Key("a.example"), WaiterWithId(1, At(100)));
  pending.Join(Key("a.example"), WaiterWithId(2, At(200)));
  pending.Join(Key("b.example"), WaiterWithId(3, At(150)));
  EXPECT_EQ(pending.next_deadline(), At(100));
  EXPECT_FALSE(pending.TakeExpired(At(99)).has_value());

  auto expired = pending.TakeExpired(At(100));
  ASSERT_TRUE(expired.has_value());
  EXPECT_EQ(expired->key, Key("a.example"));
  EXPECT_THAT(Ids(expired->waiters), testing::ElementsAre(1));
  EXPECT_FALSE(pending.TakeExpired(At(100)).has_value());
  EXPECT_EQ(pending.next_deadline(), At(150));
  EXPECT_EQ(pending.waiter_count(), 2u);

  expired = pending.TakeExpired(At(300));
  ASSERT_TRUE(expired.has_value());
  EXPECT_THAT(Ids(expired->waiters), testing::ElementsAre(3));
  expired = pending.TakeExpired(At(300));
  ASSERT_TRUE(expired.has_value());
  EXPECT_THAT(Ids(expired->waiters), testing::ElementsAre(2));
  EXPECT_EQ(pending.size(), 2u);
  EXPECT_EQ(pending.waiter_count(), 0u);
  EXPECT_FALSE(pending.next_deadline().has_value());
}

TEST(PendingQueriesTest, EarlierDeadlineOfALaterClientCounts) {
  PendingQueries pending(Limits(10, 10));
  pending.Join(Key("a.example"), WaiterWithId(1, At(200)));
  pending.Join(Key("a.example"), WaiterWithId(2, At(100)));
  pending.Join(Key("a.example"), WaiterWithId(3, At(100)));
  EXPECT_EQ(pending.next_deadline(), At(100));
  EXPECT_THAT(Ids(pending.TakeExpired(At(100))->waiters), testing::ElementsAre(2, 3));
  EXPECT_EQ(pending.next_deadline(), At(200));
}

TEST(PendingQueriesTest, ClientsJoinAKeyWithoutWaiters) {
  PendingQueries pending(Limits(10, 10));
  EXPECT_EQ(pending.Begin(Key("a.example")), JoinResult::kFirst);
  EXPECT_EQ(pending.Begin(Key("a.example")), JoinResult::kJoined);
  EXPECT_EQ(pending.waiter_count(), 0u);
  EXPECT_EQ(pending.Join(Key("a.example"), WaiterWithId(1, At(100))), JoinResult::kJoined);
  pending.TakeExpired(At(100));
  EXPECT_EQ(pending.Join(Key("a.example"), WaiterWithId(2, At(200))), JoinResult::kJoined);
  EXPECT_THAT(Ids(pending.Take(Key("a.example"))), testing::ElementsAre(2));
  EXPECT_EQ(pending.waiter_count(), 0u);
}

TEST(PendingQueriesTest, KeyLongestWithoutWaitersMakesRoom) {
  PendingQueries pending(Limits(3, 10));
  pending.Join(Key("a.example"), WaiterWithId(1, At(100)));
  pending.SetExchange(Key("a.example"), 17);
  pending.Begin(Key("b.example"));
  pending.SetExchange(Key("b.example"), 18);
  pending.Begin(Key("c.example"));
  pending.SetExchange(Key("c.example"), 19);
  EXPECT_EQ(pending.Begin(Key("d.example")), JoinResult::kFull);
  pending.Join(Key("b.example"), WaiterWithId(2, At(100)));
  pending.TakeExpired(At(100));
  pending.TakeExpired(At(100));
  EXPECT_EQ(pending.Join(Key("d.example"), WaiterOf(3)), JoinResult::kFirst);
  EXPECT_THAT(pending.TakeEvicted().exchanges, testing::ElementsAre(19));
  pending.Join(Key("a.example"), WaiterWithId(3));
  EXPECT_EQ(pending.Join(Key("e.example"), WaiterOf(4)), JoinResult::kFirst);
  EXPECT_THAT(pending.TakeEvicted().exchanges, testing::ElementsAre(18));
  EXPECT_EQ(pending.Join(Key("f.example"), WaiterOf(5)), JoinResult::kFull);
  EXPECT_THAT(Ids(pending.Take(Key("a.example"))), testing::ElementsAre(3));
}

// Repetitions.

TEST(PendingQueriesTest, RepetitionReplacesTheQueryThatWaits) {
  for (const uint16_t others : std::array<uint16_t, 2>{0, 40}) {  // With few and with many waiters.
    PendingQueries pending(Limits(10, 100));
    for (uint16_t i = 0; i < others; ++i)
      pending.Join(Key("a.example"), WaiterOf(2, static_cast<uint16_t>(100 + i)));
    for (int i = 0; i < 50; ++i) {
      Waiter repeated = WaiterWithId(7, At(2000 + i));
      EXPECT_EQ(pending.Join(Key("a.example"), repeated),
                i + others == 0 ? JoinResult::kFirst : JoinResult::kJoined);
    }
    EXPECT_EQ(pending.waiter_count(), others + 1u);
    EXPECT_EQ(pending.next_deadline(), At(2000));
    EXPECT_EQ(Ids(pending.Take(Key("a.example"))).back(), 7);
    EXPECT_EQ(pending.waiter_count(), 0u);
  }
}

TEST(PendingQueriesTest, OtherPortsIdsAndStreamsAreNoRepetitions) {
  PendingQueries pending(Limits(10, 100));
  Waiter waiter = WaiterOf(1, 7);
  pending.Join(Key("a.example"), waiter);
  waiter.query.id = 8;
  pending.Join(Key("a.example"), waiter);
  waiter.address.client.set_port(4711);
  pending.Join(Key("a.example"), waiter);
  waiter.address.transport = Transport::kTcp;
  pending.Join(Key("a.example"), waiter);
  pending.Join(Key("a.example"), waiter);  // A stream repeats nothing: each query gets a reply.
  EXPECT_EQ(pending.waiter_count(), 5u);
}

// Limits of fairness.

TEST(PendingQueriesTest, ClientWithMostWaitersForAKeyMakesRoom) {
  PendingQueries pending(Limits(10, 4));
  for (uint16_t i = 1; i <= 4; ++i) pending.Join(Key("a.example"), WaiterOf(1, i));
  EXPECT_EQ(pending.Join(Key("a.example"), WaiterOf(1, 5)), JoinResult::kCrowded);
  EXPECT_EQ(pending.Join(Key("a.example"), WaiterOf(2, 6)), JoinResult::kJoined);
  EXPECT_THAT(Ids(pending.TakeEvicted(), Limit::kWaitersPerQuery), testing::ElementsAre(4));
  EXPECT_EQ(pending.Join(Key("a.example"), WaiterOf(2, 7)), JoinResult::kJoined);
  EXPECT_EQ(pending.Join(Key("a.example"), WaiterOf(2, 8)), JoinResult::kCrowded);
  EXPECT_EQ(pending.Join(Key("a.example"), WaiterOf(3, 9)), JoinResult::kJoined);
  EXPECT_EQ(pending.Join(Key("a.example"), WaiterOf(4, 10)), JoinResult::kJoined);
  EXPECT_EQ(pending.Join(Key("a.example"), WaiterOf(5, 11)), JoinResult::kCrowded);
  EXPECT_EQ(pending.TakeEvicted().waiters.size(), 3u);
  EXPECT_EQ(pending.waiter_count(), 4u);
}

TEST(PendingQueriesTest, ClientWithMostWaitersMakesRoomAtTheLimitOfAll) {
  PendingLimits limits = Limits(10, 10);
  limits.waiters = 4;
  PendingQueries pending(limits);
  for (uint16_t i = 1; i <= 4; ++i) pending.Join(Key("a.example"), WaiterOf(1, i));
  EXPECT_EQ(pending.Join(Key("b.example"), WaiterOf(1, 5)), JoinResult::kAllFull);
  EXPECT_FALSE(pending.Contains(Key("b.example")));
  EXPECT_EQ(pending.Join(Key("b.example"), WaiterOf(2, 6)), JoinResult::kFirst);
  EXPECT_EQ(pending.Join(Key("b.example"), WaiterOf(2, 7)), JoinResult::kJoined);
  EXPECT_EQ(pending.Join(Key("c.example"), WaiterOf(2, 8)), JoinResult::kAllFull);
  EXPECT_THAT(Ids(pending.TakeEvicted(), Limit::kWaiters), testing::ElementsAre(4, 3));
}

TEST(PendingQueriesTest, ClientAtItsOwnLimitMakesNoRoom) {
  PendingLimits limits = Limits(10, 10);
  limits.waiters_per_client = 2;
  PendingQueries pending(limits);
  pending.Join(Key("a.example"), WaiterOf(1, 1));
  pending.Join(Key("b.example"), WaiterOf(1, 2));
  EXPECT_EQ(pending.Join(Key("a.example"), WaiterOf(1, 3)), JoinResult::kClientFull);
  EXPECT_EQ(pending.Join(Key("c.example"), WaiterOf(1, 4)), JoinResult::kClientFull);
  EXPECT_EQ(pending.Join(Key("c.example"), WaiterOf(2, 5)), JoinResult::kFirst);
  EXPECT_TRUE(pending.TakeEvicted().waiters.empty());
  pending.Take(Key("a.example"));
  EXPECT_EQ(pending.Join(Key("d.example"), WaiterOf(1, 6)), JoinResult::kFirst);
}

TEST(PendingQueriesTest, ClientThatHoldsMostKeysMakesRoomWithItsNewest) {
  PendingQueries pending(Limits(4, 10));
  for (uint16_t i = 1; i <= 4; ++i) {
    pending.Join(Key(absl::StrCat("a", i, ".example")), WaiterOf(1, i));
    pending.SetExchange(Key(absl::StrCat("a", i, ".example")), 100u + i);
  }
  EXPECT_EQ(pending.Join(Key("b.example"), WaiterOf(1, 5)), JoinResult::kFull);
  EXPECT_EQ(pending.Join(Key("b.example"), WaiterOf(2, 6)), JoinResult::kFirst);
  EXPECT_EQ(pending.Join(Key("c.example"), WaiterOf(2, 7)), JoinResult::kFirst);
  EXPECT_EQ(pending.Join(Key("d.example"), WaiterOf(2, 8)), JoinResult::kFull);
  PendingQueries::Evicted evicted = pending.TakeEvicted();
  EXPECT_THAT(evicted.exchanges, testing::ElementsAre(104, 103));
  EXPECT_THAT(Ids(evicted, Limit::kPendingQueries), testing::ElementsAre(4, 3));
  EXPECT_FALSE(pending.Contains(Key("a4.example")));
  EXPECT_TRUE(pending.Contains(Key("a1.example")));
}

TEST(PendingQueriesTest, KeyThatOthersWaitForStaysWhenItsHolderMakesRoom) {
  PendingQueries pending(Limits(3, 10));
  pending.Join(Key("b.example"), WaiterOf(1, 3));
  pending.Join(Key("c.example"), WaiterOf(1, 4));
  pending.Join(Key("a.example"), WaiterOf(1, 1));
  pending.Join(Key("a.example"), WaiterOf(2, 2));
  EXPECT_EQ(pending.Join(Key("d.example"), WaiterOf(3, 5)), JoinResult::kFirst);
  EXPECT_THAT(Ids(pending.TakeEvicted(), Limit::kPendingQueries), testing::ElementsAre(4));
  EXPECT_THAT(Ids(pending.Take(Key("a.example"))), testing::ElementsAre(1, 2));
}

TEST(PendingQueriesTest, SecondAddressDoesNotProtectTheKeysOfTheFirst) {
  PendingQueries pending(Limits(3, 10));
  for (const char* name : {"a.example", "b.example", "c.example"}) {
    for (int client : {1, 2}) pending.Join(Key(name), WaiterOf(client, 1));
  }
  pending.Join(Key("c.example"), WaiterOf(2, 2));
  EXPECT_EQ(pending.Join(Key("d.example"), WaiterOf(3, 5)), JoinResult::kFirst);
  EXPECT_EQ(pending.TakeEvicted().waiters.size(), 2u);
  EXPECT_TRUE(pending.Contains(Key("c.example")));  // It has the most waiters.
  EXPECT_FALSE(pending.Contains(Key("b.example")));
}

TEST(PendingQueriesTest, ClientLosesNothingThatItWaitsForByItsOwnQuery) {
  PendingQueries pending(Limits(3, 10));
  for (const char* name : {"a.example", "b.example", "c.example"}) {
    for (int client : {1, 2}) pending.Join(Key(name), WaiterOf(client, 1));
  }
  EXPECT_EQ(pending.Join(Key("d.example"), WaiterOf(2, 5)), JoinResult::kFull);
  EXPECT_TRUE(pending.TakeEvicted().waiters.empty());
  EXPECT_EQ(pending.waiter_count(), 6u);
}

// A forwarder in front is one client with thousands of waiting queries. The answers come in the
// order of its queries, one for each two queries of the flood.
TEST(PendingQueriesTest, LargeClientGetsAnswersDuringAFloodOfManyClients) {
  constexpr int kOwn = 5000;
  PendingQueries pending(
      {.keys = 10'000, .waiters_per_key = 2000, .waiters_per_client = 7500, .waiters = 100'000});
  Waiter own = WaiterOf(1);
  const auto name_of = [](int i) { return Key(absl::StrCat("own", i, ".example")); };
  for (int i = 0; i < kOwn; ++i) pending.Join(name_of(i), own);
  int answered = 0;
  for (int i = 0; i < 2 * kOwn; ++i) {
    Waiter flood = WaiterOf(1);
    flood.address.client =
        *Endpoint::ParseAddress(absl::StrCat("198.18.", i / 256, ".", i % 256), 1234);
    pending.Join(Key(absl::StrCat("flood", i, ".example")), flood);
    pending.TakeEvicted();
    if (i >= kOwn && i % 2 == 0)
      answered += static_cast<int>(pending.Take(name_of(i / 2 - kOwn / 2)).size());
  }
  EXPECT_GT(answered, kOwn / 4);
}

TEST(PendingQueriesTest, CrowdedKeyMakesRoomByItsLargestClient) {
  PendingQueries pending(Limits(10, 30));
  for (uint16_t i = 1; i <= 28; ++i) pending.Join(Key("a.example"), WaiterOf(1 + i % 14, i));
  pending.Join(Key("a.example"), WaiterOf(1, 29));
  pending.Join(Key("a.example"), WaiterOf(20, 30));
  EXPECT_EQ(pending.Join(Key("a.example"), WaiterOf(2, 31)), JoinResult::kCrowded);
  EXPECT_EQ(pending.Join(Key("a.example"), WaiterOf(20, 32)), JoinResult::kJoined);
  EXPECT_THAT(Ids(pending.TakeEvicted(), Limit::kWaitersPerQuery), testing::ElementsAre(29));
  EXPECT_EQ(pending.Join(Key("a.example"), WaiterOf(20, 33)), JoinResult::kCrowded);
  pending.Take(Key("a.example"));
  EXPECT_EQ(pending.waiter_count(), 0u);
}

TEST(PendingQueriesTest, SixteenthOfTheKeysIsForClientsThatHoldNone) {
  PendingQueries pending(Limits(32, 100));
  for (uint16_t i = 0; i < 30; ++i) {
    EXPECT_EQ(pending.Join(Key(absl::StrCat(i, ".example")), WaiterOf(1 + i % 15, i)),
              JoinResult::kFirst);
  }
  EXPECT_EQ(pending.Join(Key("x.example"), WaiterOf(1, 50)), JoinResult::kFull);
  EXPECT_EQ(pending.Begin(Key("x.example")), JoinResult::kFull);
  EXPECT_EQ(pending.Join(Key("x.example"), WaiterOf(20, 51)), JoinResult::kFirst);
  EXPECT_EQ(pending.Join(Key("y.example"), WaiterOf(21, 52)), JoinResult::kFirst);
  EXPECT_TRUE(pending.TakeEvicted().waiters.empty());
  EXPECT_EQ(pending.Join(Key("z.example"), WaiterOf(22, 53)), JoinResult::kFirst);
  EXPECT_EQ(pending.TakeEvicted().waiters.size(), 1u);
}

// Random calls, compared with plain counts.
TEST(PendingQueriesTest, CountsStayRightInAnyOrderOfCalls) {
  std::mt19937 random(1);
  PendingLimits limits = Limits(12, 20);
  limits.waiters = 60;
  PendingQueries pending(limits);
  size_t joined = 0, left = 0;
  for (int i = 0; i < 20000; ++i) {
    const auto key = Key(absl::StrCat(random() % 24, ".example"));
    switch (random() % 8) {
      case 0:
        left += pending.Take(key).size();
        break;
      case 1:
        pending.Begin(key);
        break;
      case 2:
        if (const auto expired = pending.TakeExpired(At(i))) left += expired->waiters.size();
        break;
      default: {
        Waiter waiter =
            WaiterOf(1 + static_cast<int>(random() % 5), static_cast<uint16_t>(random() % 200));
        waiter.deadline = At(i + 50 + static_cast<int>(random() % 2) * 50);
        const size_t before = pending.waiter_count();
        const JoinResult result = pending.Join(key, waiter);
        const size_t evicted = pending.TakeEvicted().waiters.size();
        left += evicted;
        if (result <= JoinResult::kJoined) joined += pending.waiter_count() + evicted - before;
        break;
      }
    }
    ASSERT_EQ(pending.waiter_count(), joined - left) << i;
    ASSERT_LE(pending.size(), limits.keys);
    ASSERT_LE(pending.waiter_count(), limits.waiters);
  }
  while (const auto expired = pending.TakeExpired(MonoTime::max())) left += expired->waiters.size();
  EXPECT_EQ(joined, left);
  EXPECT_GT(joined, 1000u);
}

}  // namespace
}  // namespace dotcache
