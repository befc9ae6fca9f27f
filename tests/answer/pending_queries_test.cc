// SPDX-License-Identifier: Apache-2.0
#include "answer/pending_queries.h"

#include <array>
#include <vector>

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

Waiter WaiterWithId(uint16_t id, MonoTime deadline = At(2000)) {
  Waiter waiter = {};
  waiter.query.id = id;
  waiter.deadline = deadline;
  return waiter;
}

std::vector<uint16_t> Ids(const Waiters& waiters) {
  std::vector<uint16_t> ids;
  for (const Waiter& waiter : waiters) ids.push_back(waiter.query.id);
  return ids;
}

TEST(PendingQueriesTest, FirstClientBeginsAndLaterClientsJoin) {
  PendingQueries pending(10, 10);
  EXPECT_EQ(pending.Join(Key("a.example"), WaiterWithId(1)), JoinResult::kFirst);
  EXPECT_EQ(pending.Join(Key("a.example"), WaiterWithId(2)), JoinResult::kJoined);
  EXPECT_EQ(pending.Join(Key("a.example"), WaiterWithId(3)), JoinResult::kJoined);
  EXPECT_EQ(pending.size(), 1u);
  EXPECT_THAT(Ids(pending.Take(Key("a.example"))), testing::ElementsAre(1, 2, 3));
}

TEST(PendingQueriesTest, EachKeyHasItsOwnExchange) {
  PendingQueries pending(10, 10);
  EXPECT_EQ(pending.Join(Key("a.example"), WaiterWithId(1)), JoinResult::kFirst);
  EXPECT_EQ(pending.Join(Key("b.example"), WaiterWithId(2)), JoinResult::kFirst);
  EXPECT_EQ(pending.Join(Key("a.example", /*dnssec_ok=*/true), WaiterWithId(3)),
            JoinResult::kFirst);
  EXPECT_THAT(Ids(pending.Take(Key("b.example"))), testing::ElementsAre(2));
  EXPECT_EQ(pending.size(), 2u);
}

TEST(PendingQueriesTest, AfterTakeTheNextClientIsFirstAgain) {
  PendingQueries pending(10, 10);
  pending.Join(Key("a.example"), WaiterWithId(1));
  pending.Take(Key("a.example"));
  EXPECT_EQ(pending.size(), 0u);
  EXPECT_TRUE(pending.Take(Key("a.example")).empty());
  EXPECT_EQ(pending.Join(Key("a.example"), WaiterWithId(2)), JoinResult::kFirst);
}

TEST(PendingQueriesTest, AtTheKeyLimitNewKeysAreRefusedAndKnownKeysJoined) {
  PendingQueries pending(2, 10);
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
  PendingQueries pending(10, 2);
  for (const uint16_t id : std::array<uint16_t, 2>{1, 2})
    pending.Join(Key("a.example"), WaiterWithId(id));
  EXPECT_EQ(pending.Join(Key("a.example"), WaiterWithId(3)), JoinResult::kCrowded);
  EXPECT_EQ(pending.Join(Key("b.example"), WaiterWithId(4)), JoinResult::kFirst);
  EXPECT_THAT(Ids(pending.Take(Key("a.example"))), testing::ElementsAre(1, 2));
}

TEST(PendingQueriesTest, ClearReportsEveryExchangeAndEmptiesTheTable) {
  PendingQueries pending(10, 10);
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
  PendingQueries pending(10, 10);
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
  PendingQueries pending(10, 10);
  pending.Join(Key("a.example"), WaiterWithId(1, At(200)));
  pending.Join(Key("a.example"), WaiterWithId(2, At(100)));
  pending.Join(Key("a.example"), WaiterWithId(3, At(100)));
  EXPECT_EQ(pending.next_deadline(), At(100));
  EXPECT_THAT(Ids(pending.TakeExpired(At(100))->waiters), testing::ElementsAre(2, 3));
  EXPECT_EQ(pending.next_deadline(), At(200));
}

TEST(PendingQueriesTest, ClientsJoinAKeyWithoutWaiters) {
  PendingQueries pending(10, 10);
  EXPECT_EQ(pending.Begin(Key("a.example")), JoinResult::kFirst);
  EXPECT_EQ(pending.Begin(Key("a.example")), JoinResult::kJoined);
  EXPECT_EQ(pending.waiter_count(), 0u);
  EXPECT_EQ(pending.Join(Key("a.example"), WaiterWithId(1, At(100))), JoinResult::kJoined);
  pending.TakeExpired(At(100));
  EXPECT_EQ(pending.Join(Key("a.example"), WaiterWithId(2, At(200))), JoinResult::kJoined);
  EXPECT_THAT(Ids(pending.Take(Key("a.example"))), testing::ElementsAre(2));
  EXPECT_EQ(pending.waiter_count(), 0u);
}

TEST(PendingQueriesTest, KeyLongestWithoutWaitersIsDropped) {
  PendingQueries pending(3, 10);
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
  EXPECT_EQ(pending.DropOldestAbandoned(), ExchangeId{19});
  EXPECT_EQ(pending.size(), 2u);
  pending.Join(Key("a.example"), WaiterWithId(3));
  EXPECT_EQ(pending.DropOldestAbandoned(), ExchangeId{18});
  EXPECT_EQ(pending.DropOldestAbandoned(), std::nullopt);
  EXPECT_THAT(Ids(pending.Take(Key("a.example"))), testing::ElementsAre(3));
}

}  // namespace
}  // namespace dotcache
