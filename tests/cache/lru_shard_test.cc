// SPDX-License-Identifier: Apache-2.0
#include "cache/lru_shard.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <memory>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/base/config.h"
#include "absl/strings/str_cat.h"
#include "tests/cache/cache_test_data.h"
#include "tests/cache/lru_shard_test_data.h"

namespace dotcache {
namespace {

// Adds `count` names that are not queried again.
void PutOthers(LruShard& shard, int count) {
  for (int i = 0; i < count; ++i) Put(shard, absl::StrCat("other", i));
}

TEST(LruShardTest, FindsAStoredEntry) {
  LruShard shard(1 << 20, PlainLru(0));
  Put(shard, "a");
  const CacheEntryRef entry = shard.Lookup(TestKey("a"), At(0)).entry;
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->view().wire, Bytes(TestMessage(TestKey("a"), 62).wire));
  EXPECT_FALSE(Has(shard, "b"));
}

TEST(LruShardTest, AnEmptyShardFindsNothing) {
  LruShard shard(1 << 20, PlainLru(0));
  EXPECT_FALSE(Has(shard, "a"));
}

TEST(LruShardTest, DoAndCdNeverShareAnEntry) {
  LruShard shard(1 << 20, PlainLru(0));
  for (const bool dnssec_ok : {false, true}) {
    for (const bool checking_disabled : {false, true}) {
      const CacheKey key(TestQuestion("a"), dnssec_ok, checking_disabled, kTestSeed);
      EXPECT_EQ(shard.Lookup(key, At(0)).entry, nullptr);
      shard.Insert(key, TestEntry(key), At(0));
      EXPECT_NE(shard.Lookup(key, At(0)).entry, nullptr);
    }
  }
  EXPECT_EQ(StatsOf(shard).entries, 4u);
}

TEST(LruShardTest, ANewEntryReplacesTheOldOneOfItsKey) {
  LruShard shard(1 << 20, PlainLru(0));
  Put(shard, "a", At(60));
  Put(shard, "a", At(90));
  EXPECT_EQ(shard.Lookup(TestKey("a"), At(0)).entry->expires_at(), At(90));
  const CacheStats stats = StatsOf(shard);
  EXPECT_EQ(stats.entries, 1u);
  EXPECT_EQ(stats.insertions, 2u);
  EXPECT_EQ(stats.evictions, 0u);
  EXPECT_EQ(stats.expirations, 0u);
}

TEST(LruShardTest, AnExpiredEntryIsNotFoundButStaysUntilReplacedOrSwept) {
  LruShard shard(1 << 20, PlainLru(0));
  Put(shard, "a", At(60));
  EXPECT_TRUE(Has(shard, "a", At(60) - Duration{1}));
  EXPECT_FALSE(Has(shard, "a", At(60)));
  EXPECT_EQ(shard.Lookup(TestKey("a"), At(60)).entry, nullptr);
  EXPECT_EQ(StatsOf(shard).entries, 1u);
  EXPECT_EQ(shard.SweepExpired(At(60), kAllSlots), 1u);
  EXPECT_EQ(StatsOf(shard).entries, 0u);
  EXPECT_EQ(StatsOf(shard).expirations, 1u);
  EXPECT_FALSE(Has(shard, "a", At(0)));
}

TEST(LruShardTest, EvictsInOrderOfInsertion) {
  LruShard shard(BudgetFor(10), PlainLru(0));
  for (int i = 0; i < 10; ++i) Put(shard, absl::StrCat("n", i));
  EXPECT_EQ(StatsOf(shard).entries, 10u);
  Put(shard, "n10");
  EXPECT_EQ(StatsOf(shard).evictions, 1u);
  EXPECT_FALSE(Has(shard, "n0"));
  for (int i = 1; i <= 10; ++i) EXPECT_TRUE(Has(shard, absl::StrCat("n", i))) << i;
}

TEST(LruShardTest, WithoutSlackEvictsInExactOrderOfUse) {
  LruShard shard(BudgetFor(10), PlainLru(0));
  for (int i = 0; i < 10; ++i) Put(shard, absl::StrCat("n", i));
  // Used in this order; the first is evicted next.
  const std::vector<int> order = {3, 9, 0, 7, 1, 8, 5, 2, 6, 4};
  for (const int i : order) ASSERT_TRUE(Has(shard, absl::StrCat("n", i)));
  for (size_t gone = 0; gone < order.size(); ++gone) {
    Put(shard, absl::StrCat("new", gone));
    EXPECT_FALSE(Has(shard, absl::StrCat("n", order[gone]))) << gone;
    EXPECT_EQ(StatsOf(shard).entries, 10u);
    EXPECT_EQ(StatsOf(shard).evictions, gone + 1);
  }
}

TEST(LruShardTest, OnlyAHitOutsideTheNewestPartMovesAnEntry) {
  LruShard shard(BudgetFor(8), PlainLru(25));  // The newest two do not move.
  for (int i = 0; i < 8; ++i) Put(shard, absl::StrCat("n", i));
  ASSERT_TRUE(Has(shard, "n5"));  // Two have become the newest since.
  ASSERT_TRUE(Has(shard, "n4"));  // Three: moved.
  PutOthers(shard, 6);            // n0 to n3, then n5 and n6.
  EXPECT_FALSE(Has(shard, "n5"));
  EXPECT_FALSE(Has(shard, "n6"));
  EXPECT_TRUE(Has(shard, "n7"));
  EXPECT_TRUE(Has(shard, "n4"));
}

TEST(LruShardTest, WithSlackAHitStillSavesAnOldEntry) {
  LruShard shard(BudgetFor(8), PlainLru(25));
  for (int i = 0; i < 8; ++i) Put(shard, absl::StrCat("n", i));
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(Has(shard, "n0")) << i;
    Put(shard, absl::StrCat("other", i));
  }
}

TEST(LruShardTest, ExpiredEntriesAreEvictedBeforeFreshOnes) {
  LruShard shard(BudgetFor(12), PlainLru(0));
  for (int i = 0; i < 12; ++i) Put(shard, absl::StrCat("n", i), i == 7 ? At(10) : At(60));
  shard.Insert(TestKey("new"), TestEntry(TestKey("new")), At(20));
  EXPECT_FALSE(Has(shard, "n7"));
  EXPECT_TRUE(Has(shard, "n0"));
  EXPECT_EQ(StatsOf(shard).evictions, 0u);
  EXPECT_EQ(StatsOf(shard).expirations, 1u);
}

TEST(LruShardTest, TheSearchForAnExpiredVictimIsBounded) {
  LruShard shard(BudgetFor(12), PlainLru(0));
  for (int i = 0; i < 12; ++i) Put(shard, absl::StrCat("n", i), i == 8 ? At(10) : At(60));
  shard.Insert(TestKey("new"), TestEntry(TestKey("new")), At(20));
  EXPECT_FALSE(Has(shard, "n0"));
  EXPECT_EQ(StatsOf(shard).evictions, 1u);
  EXPECT_EQ(StatsOf(shard).expirations, 0u);
}

TEST(LruShardTest, AReferencedEntryOutlivesItsEviction) {
  LruShard shard(BudgetFor(8), PlainLru(0));
  Put(shard, "a");
  const CacheEntryRef entry = shard.Lookup(TestKey("a"), At(0)).entry;
  PutOthers(shard, 8);
  EXPECT_FALSE(Has(shard, "a"));
  EXPECT_EQ(entry->view().wire, Bytes(TestMessage(TestKey("a"), 62).wire));
}

TEST(LruShardTest, AnEntryAboveAnEighthOfTheBudgetIsNotStored) {
  constexpr size_t kBudget = 8192;
  // 8 octets of malloc, 56 of header, 2 of offset: with 958 of message just 1024.
  const auto stored = [](size_t message_size) {
    LruShard shard(kBudget, PlainLru(0));
    shard.Insert(TestKey("a"), TestEntry(TestKey("a"), At(60), message_size), At(0));
    return Has(shard, "a");
  };
  EXPECT_TRUE(stored(958));
  EXPECT_FALSE(stored(959));
}

TEST(LruShardTest, AnEntryTooLargeToStoreRemovesTheOldOne) {
  LruShard shard(8192, PlainLru(0));
  Put(shard, "a");
  shard.Insert(TestKey("a"), TestEntry(TestKey("a"), At(90), 4000), At(0));
  EXPECT_FALSE(Has(shard, "a"));
}

TEST(LruShardTest, BudgetsTooSmallForAnyEntryStoreNothing) {
  for (const size_t budget : {0, 1, 127, 128, 255, 256, 1023}) {
    LruShard shard(budget, PlainLru(0));
    Put(shard, "a");
    EXPECT_FALSE(Has(shard, "a")) << budget;
    EXPECT_EQ(shard.SweepExpired(At(0), 100), 0u);
    EXPECT_EQ(shard.Clear(), 0u);
    EXPECT_LE(StatsOf(shard).bytes, budget);
  }
}

TEST(LruShardTest, AnExpiredEntryIsNotStored) {
  LruShard shard(1 << 20, PlainLru(0));
  shard.Insert(TestKey("a"), TestEntry(TestKey("a"), At(60)), At(60));
  EXPECT_EQ(StatsOf(shard).entries, 0u);
}

TEST(LruShardTest, AMessageWithAnotherQuestionIsNotStored) {
  LruShard shard(1 << 20, PlainLru(0));
  shard.Insert(TestKey("victim"), TestEntry(TestKey("attack")), At(0));
  EXPECT_FALSE(Has(shard, "victim"));
  StoredMessage empty;
  shard.Insert(TestKey("victim"), MakeCacheEntry(empty, EntryFacts{}, At(0), Seconds{60}), At(0));
  EXPECT_EQ(StatsOf(shard).entries, 0u);
}

TEST(LruShardTest, AnEntryIsStoredOnceAndInOneShardOnly) {
  LruShard first(BudgetFor(8), PlainLru(0));
  LruShard second(1 << 20, PlainLru(0));
  const CacheEntryRef entry = TestEntry(TestKey("a"));
  first.Insert(TestKey("a"), entry, At(0));
  first.Insert(TestKey("a"), entry, At(0));
  second.Insert(TestKey("a"), entry, At(0));
  EXPECT_EQ(StatsOf(first).entries, 1u);
  EXPECT_EQ(StatsOf(second).entries, 0u);
  first.Clear();
  second.Insert(TestKey("a"), entry, At(0));
  EXPECT_TRUE(Has(second, "a"));
}

TEST(LruShardTest, SweepRemovesExpiredEntries) {
  LruShard shard(1 << 16, PlainLru(0));
  for (int i = 0; i < 100; ++i) Put(shard, absl::StrCat("n", i), i % 2 == 0 ? At(10) : At(60));
  EXPECT_EQ(shard.SweepExpired(At(5), kAllSlots), 0u);
  EXPECT_EQ(shard.SweepExpired(At(10), kAllSlots), 50u);
  EXPECT_EQ(StatsOf(shard).entries, 50u);
  EXPECT_EQ(StatsOf(shard).expirations, 50u);
  for (int i = 1; i < 100; i += 2) EXPECT_TRUE(Has(shard, absl::StrCat("n", i), At(10))) << i;
}

TEST(LruShardTest, ASweepBeginsWhereTheLastOneStopped) {
  LruShard shard(1 << 16, PlainLru(0));
  for (int i = 0; i < 100; ++i) Put(shard, absl::StrCat("n", i), At(10));
  size_t removed = 0;
  for (size_t slot = 0; slot < SlotsOf(1 << 16); slot += 16) {
    const size_t now_removed = shard.SweepExpired(At(10), 16);
    // Closing a gap may move entries into swept slots: more than the slots, but not all entries.
    EXPECT_LT(now_removed, 60u);
    removed += now_removed;
  }
  EXPECT_EQ(removed, 100u);
  EXPECT_EQ(shard.SweepExpired(At(10), 0), 0u);
}

TEST(LruShardTest, AShardWorksAfterClear) {
  LruShard shard(1 << 16, PlainLru(0));
  const uint64_t empty_bytes = StatsOf(shard).bytes;
  PutOthers(shard, 100);
  EXPECT_EQ(shard.Clear(), 100u);
  EXPECT_EQ(StatsOf(shard).entries, 0u);
  EXPECT_EQ(StatsOf(shard).bytes, empty_bytes);
  EXPECT_FALSE(Has(shard, "other0"));
  Put(shard, "a");
  EXPECT_TRUE(Has(shard, "a"));
}

TEST(LruShardTest, EntriesOf128OctetsFillTheBudgetBeforeTheSlots) {
  LruShard shard(1 << 16, PlainLru(0));
  PutOthers(shard, 1000);
  const CacheStats stats = StatsOf(shard);
  EXPECT_EQ(stats.entries, ((1u << 16) - SlotsOf(1 << 16) * 16) / kEntrySize);
  EXPECT_LE(stats.entries, SlotsOf(1 << 16) * 7 / 8);
}

TEST(LruShardTest, SmallerEntriesFillSevenEighthsOfTheSlots) {
  LruShard shard(1 << 16, PlainLru(0));
  for (int i = 0; i < 1000; ++i) {
    const CacheKey key = TestKey(absl::StrCat(i));
    shard.Insert(key, TestEntry(key, At(60), 0), At(0));
  }
  EXPECT_EQ(StatsOf(shard).entries, SlotsOf(1 << 16) * 7 / 8);
}

// In any order of insertions, removals and sweeps, the table loses no entry and returns no removed
// one.
TEST(LruShardTest, AgreesWithAPlainMapOverManyRandomOperations) {
  LruShard shard(1 << 15, PlainLru(25));
  std::unordered_map<std::string, MonoTime> expected;
  std::mt19937 random(1);
  MonoTime now = At(0);
  for (int step = 0; step < 20000; ++step) {
    const std::string label = absl::StrCat("n", random() % 150);  // Fewer than fit.
    switch (random() % 8) {
      case 0:
      case 1:
      case 2: {
        const MonoTime expires = now + Seconds{1 + static_cast<int>(random() % 50)};
        shard.Insert(TestKey(label), TestEntry(TestKey(label), expires), now);
        expected[label] = expires;
        break;
      }
      case 3:
        now += Seconds{1};
        shard.SweepExpired(now, random() % 64);
        break;
      default: {
        const auto it = expected.find(label);
        const bool fresh = it != expected.end() && now < it->second;
        ASSERT_EQ(Has(shard, label, now), fresh) << step << " " << label;
      }
    }
  }
  EXPECT_EQ(StatsOf(shard).evictions, 0u);
}

TEST(LruShardTest, TheBudgetHoldsAfterEveryInsertion) {
  constexpr size_t kBudget = 1 << 15;
  LruShard shard(kBudget, PlainLru(25));
  std::mt19937 random(1);
  for (int step = 0; step < 5000; ++step) {
    const CacheKey key = TestKey(absl::StrCat("n", random() % 2000));
    shard.Insert(key, TestEntry(key, At(60), 40 + random() % 4000), At(0));
    const CacheStats stats = StatsOf(shard);
    ASSERT_LE(stats.bytes, kBudget);
    ASSERT_EQ(stats.budget_bytes, kBudget);
  }
  EXPECT_GT(StatsOf(shard).bytes, kBudget * 7 / 8);
}

// A sanitizer has a heap of its own, which mallinfo2() does not count.
#if !defined(ABSL_HAVE_ADDRESS_SANITIZER) && !defined(ABSL_HAVE_THREAD_SANITIZER)
TEST(LruShardTest, TheChargeEqualsTheHeapsOwnCount) {
  // Heap blocks and mappings, in octets.
  const auto heap = [] {
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
  };
  for (const size_t size : {62, 300, 1232}) {
    const size_t before = heap();
    auto shard = std::make_unique<LruShard>(4 << 20, PlainLru(25));
    for (int i = 0; i < 60000; ++i) {
      const CacheKey key = TestKey(absl::StrCat("n", i));
      shard->Insert(key, TestEntry(key, At(60), size), At(0));
    }
    const double grown = static_cast<double>(heap() - before);
    const CacheStats stats = StatsOf(*shard);
    EXPECT_GT(stats.evictions, 0u);
    EXPECT_GT(static_cast<double>(stats.bytes), grown * 0.95) << size;
    EXPECT_LT(static_cast<double>(stats.bytes), grown * 1.05) << size;
    if (size == 62) {
      EXPECT_LT(grown / static_cast<double>(stats.entries), 160.0);
    }
  }
}
#endif

// The lock is held for one call, so the steps bound the time for which queries wait for it.
TEST(LruShardTest, EachStepOfAFlushRemovesABoundedNumberOfEntries) {
  constexpr size_t kEntries = 5000;
  constexpr size_t kSteps = 16;
  LruShard shard(BudgetFor(kEntries), PlainLru(0));
  for (size_t i = 0; i < kEntries; ++i) Put(shard, absl::StrCat("n", i));
  const DomainName root;
  uint64_t removed = 0;
  size_t calls = 0;
  for (size_t slot = 0; slot != LruShard::kEnd; ++calls) {
    const uint64_t count = shard.EraseNames(root.wire(), /*below=*/true, kSteps, slot);
    EXPECT_LE(count, kSteps);
    removed += count;
  }
  EXPECT_EQ(removed, kEntries);
  EXPECT_EQ(StatsOf(shard).entries, 0u);
  // No slot is examined twice, except after a removal from it.
  EXPECT_LE(calls, (SlotsOf(BudgetFor(kEntries)) + kEntries) / kSteps + 1);
}

}  // namespace
}  // namespace dotcache
