// SPDX-License-Identifier: Apache-2.0
// Stale data, failures and refreshes in one shard.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/cache/cache_test_data.h"
#include "tests/cache/lru_shard_test_data.h"

namespace dotcache {
namespace {

CacheOptions WithStaleData() {
  CacheOptions options = PlainLru(0);
  options.stale_max_age = Seconds{1000};
  return options;
}

using State = Found::State;

TEST(LruShardStaleTest, AnExpiredEntryIsStaleUntilStaleMaxAge) {
  LruShard shard(1 << 20, WithStaleData());
  Put(shard, "a", At(60));
  EXPECT_EQ(shard.Lookup(TestKey("a"), At(60)).state, State::kStale);
  EXPECT_TRUE(shard.Lookup(TestKey("a"), At(60)).refresh_due);
  EXPECT_EQ(shard.SweepExpired(At(1059), kAllSlots), 0u);
  EXPECT_EQ(shard.Lookup(TestKey("a"), At(1059)).state, State::kStale);
  EXPECT_EQ(shard.Lookup(TestKey("a"), At(1060)).state, State::kNothing);
  EXPECT_EQ(shard.SweepExpired(At(1060), kAllSlots), 1u);
}

TEST(LruShardStaleTest, AfterAFailedRefreshOneClientRetriesAfterStaleRecheck) {
  LruShard shard(1 << 20, WithStaleData());
  Put(shard, "a", At(60));
  ASSERT_TRUE(shard.NoteFailure(TestKey("a"), At(70)));
  EXPECT_FALSE(shard.Lookup(TestKey("a"), At(70)).refresh_due);
  EXPECT_FALSE(shard.Lookup(TestKey("a"), At(100) - Milliseconds{1}).refresh_due);
  EXPECT_TRUE(shard.Lookup(TestKey("a"), At(100)).refresh_due);
  EXPECT_FALSE(shard.Lookup(TestKey("a"), At(100)).refresh_due);
  // That refresh never reported an outcome.
  EXPECT_TRUE(shard.Lookup(TestKey("a"), At(100) + LruShard::kRefreshClaim).refresh_due);
}

TEST(LruShardStaleTest, NoteFailureReturnsNothingForAnUnknownKey) {
  LruShard shard(1 << 20, WithStaleData());
  EXPECT_FALSE(shard.NoteFailure(TestKey("a"), At(0)));
  Put(shard, "a", At(60));
  EXPECT_FALSE(shard.NoteFailure(TestKey("a"), At(1060)));  // Dead.
}

CacheEntryRef TestFailure(const CacheKey& key, MonoTime now, int failures = 1) {
  return MakeCacheEntry(TestMessage(key, 40),
                        {.kind = ResponseKind::kServFail, .failures = uint8_t(failures)}, now,
                        Seconds{1});
}

TEST(LruShardStaleTest, AnExpiredFailureIsStillCounted) {
  LruShard shard(1 << 20, WithStaleData());
  shard.Insert(TestKey("a"), TestFailure(TestKey("a"), At(0), 7), At(0));
  EXPECT_EQ(shard.Lookup(TestKey("a"), At(0)).state, State::kFailure);
  EXPECT_EQ(shard.Lookup(TestKey("a"), At(1)).state, State::kNothing);
  const CacheEntryRef known = shard.NoteFailure(TestKey("a"), At(300));
  ASSERT_TRUE(known);
  EXPECT_EQ(known->failures, 7);
  EXPECT_FALSE(shard.NoteFailure(TestKey("a"), At(301)));
}

TEST(LruShardStaleTest, AFailureReplacesOnlyDeadData) {
  LruShard shard(1 << 20, WithStaleData());
  Put(shard, "a", At(60));
  const CacheEntryRef failure = TestFailure(TestKey("a"), At(100));
  shard.Insert(TestKey("a"), failure, At(100));
  EXPECT_EQ(shard.Lookup(TestKey("a"), At(100)).state, State::kStale);
  shard.Insert(TestKey("a"), TestFailure(TestKey("a"), At(1060)), At(1060));
  EXPECT_EQ(shard.Lookup(TestKey("a"), At(1060)).state, State::kFailure);
  // The rejected entry does not count as stored.
  shard.Take(TestKey("a"));
  shard.Insert(TestKey("a"), failure, At(100));
  EXPECT_EQ(shard.Lookup(TestKey("a"), At(100)).state, State::kFailure);
}

TEST(LruShardStaleTest, EvictionTakesDeadThenFailedThenStaleEntries) {
  const auto gone_first = [](std::vector<std::string> labels) {
    CacheOptions options = WithStaleData();
    LruShard shard(BudgetFor(8), options);
    const MonoTime now = At(1050);
    for (const std::string& label : labels) {
      const CacheKey key = TestKey(label);
      if (label == "failure") {
        const EntryFacts facts = {.kind = ResponseKind::kServFail};
        shard.Insert(key, MakeCacheEntry(TestMessage(key, 62), facts, now, Seconds{1}), now);
      } else {
        const MonoTime expires = label == "dead" ? At(20) : label == "stale" ? At(60) : At(2000);
        shard.Insert(key, TestEntry(key, expires), At(0));
      }
    }
    while (StatsOf(shard).evictions + StatsOf(shard).expirations == 0) {
      static int other = 0;
      const CacheKey key = TestKey(absl::StrCat("more", other++));
      shard.Insert(key, TestEntry(key, At(2000)), now);
    }
    for (const std::string& label : labels) {
      // A lookup does not find a dead entry, but Erase() changes the count.
      const uint64_t before = StatsOf(shard).entries;
      shard.Take(TestKey(label));
      if (StatsOf(shard).entries == before) return label;
    }
    return std::string("none");
  };
  EXPECT_EQ(gone_first({"fresh", "stale", "failure", "dead"}), "dead");
  EXPECT_EQ(gone_first({"fresh", "stale", "failure"}), "failure");
  EXPECT_EQ(gone_first({"fresh", "stale"}), "stale");
  EXPECT_EQ(gone_first({"fresh"}), "fresh");
}

TEST(LruShardStaleTest, OneHitInTheLastTenthOfTheLifetimeBeginsARefresh) {
  CacheOptions options = WithStaleData();
  LruShard shard(1 << 20, options);
  int due = 0;
  for (int i = 0; i < 200; ++i) {
    const std::string label = absl::StrCat("n", i);
    Put(shard, label, At(1000));
    const auto refresh_due = [&](MonoTime now) {
      return shard.Lookup(TestKey(label), now).refresh_due;
    };
    EXPECT_FALSE(refresh_due(At(899)));
    EXPECT_FALSE(refresh_due(At(899)));
    due += refresh_due(At(925)) ? 1 : 0;
  }
  EXPECT_GT(due, 50);  // The refreshes begin at different times.
  EXPECT_LT(due, 150);
  Put(shard, "a", At(1000));
  EXPECT_FALSE(shard.Lookup(TestKey("a"), At(951)).refresh_due);  // The first hit.
  EXPECT_TRUE(shard.Lookup(TestKey("a"), At(951)).refresh_due);
  EXPECT_FALSE(shard.Lookup(TestKey("a"), At(951)).refresh_due);
}

TEST(LruShardStaleTest, NoRefreshBeginsWithin30SecondsOfAFailedOne) {
  LruShard shard(1 << 20, WithStaleData());
  Put(shard, "a", At(1000));
  EXPECT_FALSE(shard.Lookup(TestKey("a"), At(951)).refresh_due);
  EXPECT_TRUE(shard.NoteFailure(TestKey("a"), At(951)));
  EXPECT_FALSE(shard.Lookup(TestKey("a"), At(980)).refresh_due);
  EXPECT_TRUE(shard.Lookup(TestKey("a"), At(981)).refresh_due);
}

TEST(LruShardStaleTest, NoRefreshBeginsWithPrefetchOff) {
  CacheOptions options = WithStaleData();
  options.prefetch = false;
  LruShard shard(1 << 20, options);
  Put(shard, "a", At(1000));
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(shard.Lookup(TestKey("a"), At(999)).refresh_due);
}

}  // namespace
}  // namespace dotcache
