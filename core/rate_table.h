// SPDX-License-Identifier: Apache-2.0
// Token buckets for many keys in a fixed amount of memory.
#ifndef DOTCACHE_CORE_RATE_TABLE_H_
#define DOTCACHE_CORE_RATE_TABLE_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/clock.h"

namespace dotcache {

// A rate and a burst: at most `burst` events at once, and `per_second` in the long run.
struct EventRate {
  int per_second;  // 1 to 100,000.
  int burst;       // 1 to 1,000,000, and less than 50 days of `per_second`.

  friend bool operator==(const EventRate& a, const EventRate& b) {
    return a.per_second == b.per_second && a.burst == b.burst;
  }
};

// Limits the events of each key with a token bucket. A bucket is one number: the time at which it
// is full again (GCRA, ITU-T I.371). An event adds 1/per_second to that time. It is refused if the
// time would be more than burst/per_second in the future. A refused event costs no token.
//
// A key has its bucket in one of the 8 slots of a set. A new key takes the slot whose bucket is
// full again first, so that an attacker with many keys displaces small debts first. A displaced key
// has a full bucket. Two keys of a set are taken for the same one with a probability of 2^-20.
//
// All workers share it; any thread may call it, without a lock. If two threads use one slot at the
// same time, an event may pass without a token.
class RateTable {
 public:
  static constexpr size_t kLeastKeys = 8;

  // Room for at least `keys` keys, a power of two.
  explicit RateTable(size_t keys);

  // Takes a token of `key`, which is a hash with a secret seed. Returns false if there is none.
  // When the rate changes, the time of a bucket stays as it is.
  // REQUIRES: all rates have the same burst/per_second.
  bool Take(uint64_t key, const EventRate& rate, MonoTime now);

 private:
  static constexpr size_t kWays = kLeastKeys;
  // A key's tag in the upper 20 bits, and a time in units of 1,024 ns in the lower 44. That time
  // wraps after 208 days. A time that is further ahead than any debt is an old one.
  using Slot = std::atomic<uint64_t>;
  struct alignas(64) Set {
    std::array<Slot, kWays> slots{};
  };

  std::vector<Set> sets_;  // The number of sets is a power of two.
};

}  // namespace dotcache

#endif  // DOTCACHE_CORE_RATE_TABLE_H_
