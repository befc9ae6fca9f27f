// SPDX-License-Identifier: Apache-2.0
#include "cache/shard_banks.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/cache/lru_shard_test_data.h"

namespace dotcache {
namespace {

constexpr size_t kSmall = size_t{64} << 10;
constexpr size_t kLarge = size_t{8} << 20;  // 32 shards.

CacheOptions OptionsOf(size_t budget_bytes, int protected_percent = 0) {
  CacheOptions options = PlainLru(0);
  options.lru_protected_percent = protected_percent;
  options.budget_bytes = budget_bytes;
  return options;
}

std::string Label(int number) { return absl::StrCat("n", number); }

void PutInto(ShardBanks& banks, const std::string& label, MonoTime expires = At(60)) {
  Put(banks.Of(TestKey(label)), label, expires);
}

bool IsIn(ShardBanks& banks, const std::string& label) {
  return Has(banks.Of(TestKey(label)), label);
}

CacheStats StatsOf(const ShardBanks& banks) {
  CacheStats stats;
  for (const LruShard* shard : banks.All()) shard->AddTo(stats);
  return stats;
}

TEST(ShardBanksTest, ALargerBudgetKeepsAllEntries) {
  ShardBanks banks(OptionsOf(kSmall));
  for (int i = 0; i < 300; ++i) PutInto(banks, Label(i));
  banks.Resize(kLarge, At(0));
  EXPECT_EQ(banks.budget_bytes(), kLarge);
  for (int i = 0; i < 300; ++i) EXPECT_TRUE(IsIn(banks, Label(i))) << i;
  for (int i = 300; i < 20000; ++i) PutInto(banks, Label(i));
  EXPECT_EQ(StatsOf(banks).entries, 20000u);
  EXPECT_LE(StatsOf(banks).budget_bytes, kLarge);
  EXPECT_EQ(StatsOf(banks).evictions, 0u);
}

TEST(ShardBanksTest, ASmallerBudgetKeepsTheNewestEntries) {
  ShardBanks banks(OptionsOf(kLarge));
  for (int i = 0; i < 20000; ++i) PutInto(banks, Label(i));
  banks.Resize(kSmall, At(0));
  const CacheStats stats = StatsOf(banks);
  EXPECT_LE(stats.bytes, kSmall);
  EXPECT_LE(stats.budget_bytes, kSmall);
  EXPECT_GT(stats.entries, 400u);
  EXPECT_EQ(stats.entries + stats.evictions, 20000u);
  // The entries came to 32 shards, so their order over all of them is known roughly.
  int newest = 0;
  for (int i = 19000; i < 20000; ++i) newest += IsIn(banks, Label(i)) ? 1 : 0;
  EXPECT_EQ(static_cast<uint64_t>(newest), stats.entries);
}

TEST(ShardBanksTest, ProtectedEntriesStayBeforeNewerOnes) {
  ShardBanks banks(OptionsOf(kLarge, /*protected_percent=*/80));
  for (int i = 0; i < 20000; ++i) {
    PutInto(banks, Label(i));
    if (i < 200) {
      EXPECT_TRUE(IsIn(banks, Label(i)));  // A hit.
    }
  }
  banks.Resize(kSmall, At(0));
  for (int i = 0; i < 200; ++i) EXPECT_TRUE(IsIn(banks, Label(i))) << i;
}

TEST(ShardBanksTest, TheOrderOfEvictionStays) {
  CacheOptions options = OptionsOf(BudgetFor(8));
  options.tuning.shards = 1;
  ShardBanks banks(options);
  for (int i = 0; i < 8; ++i) PutInto(banks, Label(i));
  EXPECT_TRUE(IsIn(banks, Label(0)));
  banks.Resize(BudgetFor(16), At(0));
  banks.Resize(BudgetFor(8), At(0));
  PutInto(banks, "a");
  PutInto(banks, "b");
  EXPECT_TRUE(IsIn(banks, Label(0)));
  EXPECT_FALSE(IsIn(banks, Label(1)));
  EXPECT_FALSE(IsIn(banks, Label(2)));
  EXPECT_TRUE(IsIn(banks, Label(3)));
}

TEST(ShardBanksTest, DeadEntriesAreNotMoved) {
  ShardBanks banks(OptionsOf(kLarge));
  PutInto(banks, "dead", At(10));
  PutInto(banks, "alive", At(60));
  banks.Resize(2 * kLarge, At(20));
  EXPECT_EQ(StatsOf(banks).entries, 1u);
  EXPECT_EQ(StatsOf(banks).expirations, 1u);
  EXPECT_TRUE(IsIn(banks, "alive"));
}

TEST(ShardBanksTest, ABudgetOfZeroEndsTheCacheAndAnotherBeginsItAgain) {
  ShardBanks banks(OptionsOf(kLarge));
  PutInto(banks, "a");
  banks.Resize(0, At(0));
  EXPECT_FALSE(IsIn(banks, "a"));
  PutInto(banks, "a");
  EXPECT_EQ(StatsOf(banks).entries, 0u);
  EXPECT_EQ(StatsOf(banks).bytes, 0u);
  banks.Resize(kSmall, At(0));
  PutInto(banks, "a");
  EXPECT_TRUE(IsIn(banks, "a"));
}

TEST(ShardBanksTest, EveryEntryIsFoundAtEachMomentOfAResize) {
  ShardBanks banks(OptionsOf(kSmall));
  for (int i = 0; i < 300; ++i) PutInto(banks, Label(i));
  banks.Begin(kLarge);
  EXPECT_TRUE(IsIn(banks, Label(7)));
  PutInto(banks, Label(8), At(90));  // In place of an entry that has not moved.
  PutInto(banks, "new");
  EXPECT_EQ(StatsOf(banks).entries, 301u);
  ASSERT_TRUE(banks.MoveSome(At(0)));
  for (int i = 0; i < 300; i += 10) EXPECT_TRUE(IsIn(banks, Label(i))) << i;
  while (banks.MoveSome(At(0))) continue;
  for (int i = 0; i < 300; ++i) EXPECT_TRUE(IsIn(banks, Label(i))) << i;
  EXPECT_TRUE(Has(banks.Of(TestKey(Label(8))), Label(8), At(80)));
  EXPECT_EQ(StatsOf(banks).entries, 301u);
  EXPECT_LE(StatsOf(banks).budget_bytes, kLarge);
}

TEST(ShardBanksTest, NoEntryIsLostWhenThreadsReadDuringAResize) {
  ShardBanks banks(OptionsOf(kLarge, /*protected_percent=*/80));
  constexpr int kNames = 5000;
  for (int i = 0; i < kNames; ++i) PutInto(banks, Label(i));
  std::atomic<bool> done{false};
  std::vector<std::thread> readers;
  for (int reader = 0; reader < 2; ++reader) {
    readers.emplace_back([&, reader] {
      for (int i = reader; !done; i = (i + 7) % kNames) IsIn(banks, Label(i));
    });
  }
  for (int i = 0; i < 20; ++i) banks.Resize(i % 2 == 0 ? 2 * kLarge : kLarge / 2, At(0));
  done = true;
  for (std::thread& reader : readers) reader.join();
  for (int i = 0; i < kNames; ++i) EXPECT_TRUE(IsIn(banks, Label(i))) << i;
  EXPECT_EQ(StatsOf(banks).entries, uint64_t{kNames});
  EXPECT_EQ(StatsOf(banks).evictions, 0u);
}

}  // namespace
}  // namespace dotcache
