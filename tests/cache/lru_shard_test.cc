// SPDX-License-Identifier: Apache-2.0
#include "cache/lru_shard.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <memory>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/cache/cache_test_data.h"

namespace dotcache {
namespace {

constexpr size_t kEntrySize = 128;  // What TestEntry() is charged.
constexpr size_t kAllSlots = SIZE_MAX;

// The slots of a shard with this budget.
size_t SlotsOf(size_t budget_bytes) { return budget_bytes / LruShard::kBytesPerSlot; }

// A budget for exactly `count` test entries beside the table, in a shard large enough for one.
size_t BudgetFor(size_t count) {
  // Slots of 16 octets for every 128 of the budget: 8/7 of the entries' octets, and rounding.
  size_t budget = count * kEntrySize * 8 / 7;
  while (budget - budget / LruShard::kBytesPerSlot * 16 < count * kEntrySize) ++budget;
  return budget;
}

// Plain LRU, without stale data.
CacheOptions PlainLru(int slack_percent) {
  CacheOptions options;
  options.lru_protected_percent = 0;
  options.tuning.lru_slack_percent = slack_percent;
  options.stale_max_age = Seconds{0};
  return options;
}

CacheStats StatsOf(const LruShard& shard) {
  CacheStats stats;
  shard.AddTo(stats);
  return stats;
}

void Put(LruShard& shard, const std::string& label, MonoTime expires = At(60)) {
  shard.Insert(TestKey(label), TestEntry(TestKey(label), expires), At(0));
}

bool Has(LruShard& shard, const std::string& label, MonoTime now = At(0)) {
  return shard.Lookup(TestKey(label), now).state == Found::State::kFresh;
}

// Adds `count` names that nobody asks for again.
void PutOthers(LruShard& shard, int count) {
  for (int i = 0; i < count; ++i) Put(shard, absl::StrCat("other", i));
}

TEST(LruShardTest, FindsWhatWasStored) {
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

TEST(LruShardTest, AnExpiredEntryIsNotFoundAndKeepsItsPlaceUntilItIsReplacedOrSwept) {
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
  // Used in this order; the first is the next to go.
  const std::vector<int> order = {3, 9, 0, 7, 1, 8, 5, 2, 6, 4};
  for (const int i : order) ASSERT_TRUE(Has(shard, absl::StrCat("n", i)));
  for (size_t gone = 0; gone < order.size(); ++gone) {
    Put(shard, absl::StrCat("new", gone));
    EXPECT_FALSE(Has(shard, absl::StrCat("n", order[gone]))) << gone;
    EXPECT_EQ(StatsOf(shard).entries, 10u);
    EXPECT_EQ(StatsOf(shard).evictions, gone + 1);
  }
}

TEST(LruShardTest, AHitAmongTheNewestMovesNothingAndOnAnOlderOneMakesItTheNewest) {
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

TEST(LruShardTest, WithSlackAHitKeepsAnEntryThatWouldHaveGone) {
  LruShard shard(BudgetFor(8), PlainLru(25));
  for (int i = 0; i < 8; ++i) Put(shard, absl::StrCat("n", i));
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(Has(shard, "n0")) << i;
    Put(shard, absl::StrCat("other", i));
  }
}

TEST(LruShardTest, ExpiredEntriesAmongTheOldestGoBeforeFreshOnes) {
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

TEST(LruShardTest, AnEntryOutlivesItsEvictionForWhoHoldsIt) {
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

TEST(LruShardTest, AnEntryTooLargeToKeepEndsTheOldOneAllTheSame) {
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

TEST(LruShardTest, AMessageAboutAnotherQuestionIsNotStored) {
  LruShard shard(1 << 20, PlainLru(0));
  shard.Insert(TestKey("victim"), TestEntry(TestKey("attack")), At(0));
  EXPECT_FALSE(Has(shard, "victim"));
  StoredMessage empty;
  shard.Insert(TestKey("victim"), MakeCacheEntry(empty, EntryFacts{}, At(0), Seconds{60}), At(0));
  EXPECT_EQ(StatsOf(shard).entries, 0u);
}

TEST(LruShardTest, AnEntryIsInOneShardAtATimeAndOnce) {
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

TEST(LruShardTest, SweepRemovesWhatHasExpired) {
  LruShard shard(1 << 16, PlainLru(0));
  for (int i = 0; i < 100; ++i) Put(shard, absl::StrCat("n", i), i % 2 == 0 ? At(10) : At(60));
  EXPECT_EQ(shard.SweepExpired(At(5), kAllSlots), 0u);
  EXPECT_EQ(shard.SweepExpired(At(10), kAllSlots), 50u);
  EXPECT_EQ(StatsOf(shard).entries, 50u);
  EXPECT_EQ(StatsOf(shard).expirations, 50u);
  for (int i = 1; i < 100; i += 2) EXPECT_TRUE(Has(shard, absl::StrCat("n", i), At(10))) << i;
}

TEST(LruShardTest, SweepsGoOnWhereTheLastOneStopped) {
  LruShard shard(1 << 16, PlainLru(0));
  for (int i = 0; i < 100; ++i) Put(shard, absl::StrCat("n", i), At(10));
  size_t removed = 0;
  for (size_t slot = 0; slot < SlotsOf(1 << 16); slot += 16) {
    const size_t now_removed = shard.SweepExpired(At(10), 16);
    // A gap may bring entries back, hence more than slots; but never a shard's worth.
    EXPECT_LT(now_removed, 60u);
    removed += now_removed;
  }
  EXPECT_EQ(removed, 100u);
  EXPECT_EQ(shard.SweepExpired(At(10), 0), 0u);
}

// What is expired, until it is dead.

CacheOptions WithStaleData() {
  CacheOptions options = PlainLru(0);
  options.stale_max_age = Seconds{1000};
  return options;
}

using State = Found::State;

TEST(LruShardTest, AnExpiredEntryIsStaleUntilItsTimeIsOver) {
  LruShard shard(1 << 20, WithStaleData());
  Put(shard, "a", At(60));
  EXPECT_EQ(shard.Lookup(TestKey("a"), At(60)).state, State::kStale);
  EXPECT_TRUE(shard.Lookup(TestKey("a"), At(60)).refresh_due);
  EXPECT_EQ(shard.SweepExpired(At(1059), kAllSlots), 0u);
  EXPECT_EQ(shard.Lookup(TestKey("a"), At(1059)).state, State::kStale);
  EXPECT_EQ(shard.Lookup(TestKey("a"), At(1060)).state, State::kNothing);
  EXPECT_EQ(shard.SweepExpired(At(1060), kAllSlots), 1u);
}

TEST(LruShardTest, AfterAFailedRefreshOneTriesAgainWhenTheTimeIsOver) {
  LruShard shard(1 << 20, WithStaleData());
  Put(shard, "a", At(60));
  ASSERT_TRUE(shard.NoteFailure(TestKey("a"), At(70)));
  EXPECT_FALSE(shard.Lookup(TestKey("a"), At(70)).refresh_due);
  EXPECT_FALSE(shard.Lookup(TestKey("a"), At(100) - Milliseconds{1}).refresh_due);
  EXPECT_TRUE(shard.Lookup(TestKey("a"), At(100)).refresh_due);
  EXPECT_FALSE(shard.Lookup(TestKey("a"), At(100)).refresh_due);
  // Its outcome was lost.
  EXPECT_TRUE(shard.Lookup(TestKey("a"), At(100) + LruShard::kRefreshClaim).refresh_due);
}

TEST(LruShardTest, AFailureOfWhatIsNotKnownIsNoted) {
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

TEST(LruShardTest, AFailureIsFoundForItsTimeAndCountedForLonger) {
  LruShard shard(1 << 20, WithStaleData());
  shard.Insert(TestKey("a"), TestFailure(TestKey("a"), At(0), 7), At(0));
  EXPECT_EQ(shard.Lookup(TestKey("a"), At(0)).state, State::kFailure);
  EXPECT_EQ(shard.Lookup(TestKey("a"), At(1)).state, State::kNothing);
  const CacheEntryRef known = shard.NoteFailure(TestKey("a"), At(300));
  ASSERT_TRUE(known);
  EXPECT_EQ(known->failures, 7);
  EXPECT_FALSE(shard.NoteFailure(TestKey("a"), At(301)));
}

TEST(LruShardTest, AFailureReplacesWhatIsDeadAndNothingElse) {
  LruShard shard(1 << 20, WithStaleData());
  Put(shard, "a", At(60));
  const CacheEntryRef failure = TestFailure(TestKey("a"), At(100));
  shard.Insert(TestKey("a"), failure, At(100));
  EXPECT_EQ(shard.Lookup(TestKey("a"), At(100)).state, State::kStale);
  shard.Insert(TestKey("a"), TestFailure(TestKey("a"), At(1060)), At(1060));
  EXPECT_EQ(shard.Lookup(TestKey("a"), At(1060)).state, State::kFailure);
  // The one that was turned away is not taken for one that is stored.
  shard.Erase(TestKey("a"));
  shard.Insert(TestKey("a"), failure, At(100));
  EXPECT_EQ(shard.Lookup(TestKey("a"), At(100)).state, State::kFailure);
}

TEST(LruShardTest, AmongTheOldestTheLeastUsefulGoes) {
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
      // Dead or not, it is there as long as clearing it removes something.
      const uint64_t before = StatsOf(shard).entries;
      shard.Erase(TestKey(label));
      if (StatsOf(shard).entries == before) return label;
    }
    return std::string("none");
  };
  EXPECT_EQ(gone_first({"fresh", "stale", "failure", "dead"}), "dead");
  EXPECT_EQ(gone_first({"fresh", "stale", "failure"}), "failure");
  EXPECT_EQ(gone_first({"fresh", "stale"}), "stale");
  EXPECT_EQ(gone_first({"fresh"}), "fresh");
}

// Prefetch.

TEST(LruShardTest, OneHitInTheLastTenthOfTheTimeBeginsARefresh) {
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
  EXPECT_GT(due, 50);  // They do not begin at one time.
  EXPECT_LT(due, 150);
  Put(shard, "a", At(1000));
  EXPECT_FALSE(shard.Lookup(TestKey("a"), At(951)).refresh_due);  // The first hit.
  EXPECT_TRUE(shard.Lookup(TestKey("a"), At(951)).refresh_due);
  EXPECT_FALSE(shard.Lookup(TestKey("a"), At(951)).refresh_due);
}

TEST(LruShardTest, NoRefreshBeginsWithin30SecondsOfOneThatFailed) {
  LruShard shard(1 << 20, WithStaleData());
  Put(shard, "a", At(1000));
  EXPECT_FALSE(shard.Lookup(TestKey("a"), At(951)).refresh_due);
  EXPECT_TRUE(shard.NoteFailure(TestKey("a"), At(951)));
  EXPECT_FALSE(shard.Lookup(TestKey("a"), At(980)).refresh_due);
  EXPECT_TRUE(shard.Lookup(TestKey("a"), At(981)).refresh_due);
}

TEST(LruShardTest, SwitchedOffNoRefreshBegins) {
  CacheOptions options = WithStaleData();
  options.prefetch = false;
  LruShard shard(1 << 20, options);
  Put(shard, "a", At(1000));
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(shard.Lookup(TestKey("a"), At(999)).refresh_due);
}

TEST(LruShardTest, ClearRemovesEverythingAndTheShardGoesOn) {
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

TEST(LruShardTest, TheSmallestEntriesFillTheOctetsBeforeTheSlots) {
  LruShard shard(1 << 16, PlainLru(0));
  PutOthers(shard, 1000);
  const CacheStats stats = StatsOf(shard);
  EXPECT_EQ(stats.entries, ((1u << 16) - SlotsOf(1 << 16) * 16) / kEntrySize);
  EXPECT_LE(stats.entries, SlotsOf(1 << 16) * 7 / 8);
}

TEST(LruShardTest, EntriesOfLessThanTheSmallestSizeStopAtSevenEighthsOfTheSlots) {
  LruShard shard(1 << 16, PlainLru(0));
  for (int i = 0; i < 1000; ++i) {
    const CacheKey key = TestKey(absl::StrCat(i));
    shard.Insert(key, TestEntry(key, At(60), 0), At(0));
  }
  EXPECT_EQ(StatsOf(shard).entries, SlotsOf(1 << 16) * 7 / 8);
}

// Against a plain map: whatever the order of insertions, removals and sweeps, nothing is lost
// in the table and nothing comes back.
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

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(LruShardTest, TheChargeIsWhatTheHeapGivesOut) {
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

}  // namespace
}  // namespace dotcache
