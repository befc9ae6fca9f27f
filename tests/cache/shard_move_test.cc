// SPDX-License-Identifier: Apache-2.0
#include "cache/shard_move.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/cache/lru_shard_test_data.h"

namespace dotcache {
namespace {

constexpr size_t kBudget = size_t{64} << 10;

TEST(ShardMoveTest, AShardThatAcceptsInsertionsKeepsItsEntries) {
  LruShard from(kBudget, PlainLru(0));
  LruShard to(kBudget, PlainLru(0));
  Put(from, "a");
  ShardMove::MoveKey(from, TestKey("a"), to);
  EXPECT_TRUE(Has(from, "a"));
  from.EndInsertions();
  ShardMove::MoveKey(from, TestKey("a"), to);
  EXPECT_FALSE(Has(from, "a"));
  EXPECT_TRUE(Has(to, "a"));
  Put(from, "b");
  EXPECT_FALSE(Has(from, "b"));
}

TEST(ShardMoveTest, AnEntryWithoutRoomIsEvictedAndTheNewestComeFirst) {
  LruShard from(kBudget, PlainLru(0));
  LruShard to(BudgetFor(8), PlainLru(0));
  for (int i = 0; i < 20; ++i) Put(from, absl::StrCat("n", i));
  from.EndInsertions();
  const auto target = [&to](uint64_t) -> LruShard& { return to; };
  EXPECT_TRUE(ShardMove::MoveNewest(from, At(0), ShardMove::Which::kAll, 5, target));
  EXPECT_EQ(StatsOf(to).entries, 5u);
  EXPECT_FALSE(ShardMove::MoveNewest(from, At(0), ShardMove::Which::kAll, 100, target));
  EXPECT_EQ(StatsOf(to).entries, 8u);
  EXPECT_EQ(StatsOf(from).evictions, 12u);
  EXPECT_FALSE(Has(to, "n11"));
  for (int i = 12; i < 20; ++i) EXPECT_TRUE(Has(to, absl::StrCat("n", i))) << i;
}

TEST(ShardMoveTest, AProtectedEntryStaysProtected) {
  CacheOptions options = PlainLru(0);
  options.lru_protected_percent = 80;
  LruShard from(kBudget, options);
  LruShard to(BudgetFor(8), options);
  Put(from, "popular");
  EXPECT_TRUE(Has(from, "popular"));
  from.EndInsertions();
  const auto target = [&to](uint64_t) -> LruShard& { return to; };
  ShardMove::MoveNewest(from, At(0), ShardMove::Which::kAll, 5, target);
  for (int i = 0; i < 20; ++i) Put(to, absl::StrCat("n", i));
  EXPECT_TRUE(Has(to, "popular"));
}

}  // namespace
}  // namespace dotcache
