// SPDX-License-Identifier: Apache-2.0
#include "core/rate_table.h"

#include <cassert>

namespace dotcache {
namespace {

constexpr int kTimeBits = 44;
constexpr uint64_t kTimeMask = (uint64_t{1} << kTimeBits) - 1;
constexpr int64_t kUnitNs = 1024;
constexpr int kUnitsPerSecond = 1'000'000'000 / kUnitNs;

// How far the time in a slot is after `now`. No debt is larger than `most`, so a larger difference
// is that of an old time. 0 for an empty slot.
uint64_t DebtIn(uint64_t slot, uint64_t now, uint64_t most) {
  const uint64_t ahead = (slot - now) & kTimeMask;
  return slot == 0 || ahead > most ? 0 : ahead;
}

}  // namespace

RateTable::RateTable(size_t keys) : sets_(keys / kWays) {
  assert(keys >= kWays && (keys & (keys - 1)) == 0);
}

bool RateTable::Take(uint64_t key, const EventRate& rate, MonoTime now) {
  Set& set = sets_[key & (sets_.size() - 1)];
  const uint64_t tag = key & ~kTimeMask;
  const uint64_t present = static_cast<uint64_t>(now.time_since_epoch().count() / kUnitNs);
  const auto interval = static_cast<uint64_t>(kUnitsPerSecond / rate.per_second);
  const uint64_t most = interval * static_cast<uint64_t>(rate.burst);
  Slot* place = nullptr;
  uint64_t seen = 0;
  uint64_t debt = kTimeMask;
  for (Slot& slot : set.slots) {
    const uint64_t value = slot.load(std::memory_order_relaxed);
    const uint64_t ahead = DebtIn(value, present, most);
    const bool is_own = (value & ~kTimeMask) == tag && value != 0;
    if (is_own || ahead < debt) {
      place = &slot;
      seen = value;
      debt = ahead;
    }
    if (is_own) break;
  }
  if (seen == 0 || (seen & ~kTimeMask) != tag) debt = 0;
  if (debt + interval > most) return false;
  place->compare_exchange_strong(seen, tag | ((present + debt + interval) & kTimeMask),
                                 std::memory_order_relaxed);
  return true;
}

}  // namespace dotcache
