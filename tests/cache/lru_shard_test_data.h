// SPDX-License-Identifier: Apache-2.0
// Short forms for the tests of one shard.
#ifndef DOTCACHE_TESTS_CACHE_LRU_SHARD_TEST_DATA_H_
#define DOTCACHE_TESTS_CACHE_LRU_SHARD_TEST_DATA_H_

#include <cstddef>
#include <string>

#include "cache/lru_shard.h"
#include "tests/cache/cache_test_data.h"

namespace dotcache {

inline constexpr size_t kEntrySize = 128;  // The charge of a TestEntry().
inline constexpr size_t kAllSlots = SIZE_MAX;

// The slots of a shard with this budget.
inline size_t SlotsOf(size_t budget_bytes) { return budget_bytes / LruShard::kBytesPerSlot; }

// A budget for exactly `count` test entries beside the table, in a shard large enough for one.
inline size_t BudgetFor(size_t count) {
  // Slots of 16 octets for every 128 of the budget: 8/7 of the entries' octets, and rounding.
  size_t budget = count * kEntrySize * 8 / 7;
  while (budget - budget / LruShard::kBytesPerSlot * 16 < count * kEntrySize) ++budget;
  return budget;
}

// Plain LRU, without stale data.
inline CacheOptions PlainLru(int slack_percent) {
  CacheOptions options;
  options.lru_protected_percent = 0;
  options.tuning.lru_slack_percent = slack_percent;
  options.stale_max_age = Seconds{0};
  return options;
}

inline CacheStats StatsOf(const LruShard& shard) {
  CacheStats stats;
  shard.AddTo(stats);
  return stats;
}

inline void Put(LruShard& shard, const std::string& label, MonoTime expires = At(60)) {
  shard.Insert(TestKey(label), TestEntry(TestKey(label), expires), At(0));
}

inline bool Has(LruShard& shard, const std::string& label, MonoTime now = At(0)) {
  return shard.Lookup(TestKey(label), now).state == Found::State::kFresh;
}

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_CACHE_LRU_SHARD_TEST_DATA_H_
