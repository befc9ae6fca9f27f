// SPDX-License-Identifier: Apache-2.0
#include "core/rate_table.h"

#include <cassert>

namespace dotcache {
namespace {

constexpr int kTimeBits = 44;
constexpr uint64_t kTimeMask = (uint64_t{1} << kTimeBits) - 1;
constexpr int64_t kUnitNs = 1024;
constexpr int kUnitsPerSecond = 1'000'000'000 / kUnitNs;

// How far `time` is after `now`; 0 if it is not.
uint64_t After(uint64_t time, uint64_t now) {
  const uint64_t ahead = (time - now) & kTimeMask;
  return ahead > kTimeMask / 2 ? 0 : ahead;
}

}  // namespace

RateTable::RateTable(size_t keys) : sets_(keys / kWays) {
  assert(keys >= kWays && (keys & (keys - 1)) == 0);
}

bool RateTable::Take(uint64_t key, const EventRate& rate, MonoTime now) {
  Set& set = sets_[key & (sets_.size() - 1)];
  const uint64_t tag = key & ~kTimeMask;
  const uint64_t present = static_cast<uint64_t>(now.time_since_epoch().count() / kUnitNs);
  Slot* place = nullptr;
  uint64_t seen = 0;
  uint64_t debt = kTimeMask;
  for (Slot& slot : set.slots) {
    const uint64_t value = slot.load(std::memory_order_relaxed);
    const uint64_t ahead = After(value & kTimeMask, present);
    const bool is_own = (value & ~kTimeMask) == tag && value != 0;
    if (is_own || ahead < debt) {
      place = &slot;
      seen = value;
      debt = ahead;
    }
    if (is_own) break;
  }
  if (seen == 0 || (seen & ~kTimeMask) != tag) debt = 0;
  const auto interval = static_cast<uint64_t>(kUnitsPerSecond / rate.per_second);
  if (debt + interval > interval * static_cast<uint64_t>(rate.burst)) return false;
  place->compare_exchange_strong(seen, tag | ((present + debt + interval) & kTimeMask),
                                 std::memory_order_relaxed);
  return true;
}

}  // namespace dotcache
