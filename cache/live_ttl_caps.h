// SPDX-License-Identifier: Apache-2.0
// Bounds of TTLs that a reload changes while workers read them.
#ifndef DOTCACHE_CACHE_LIVE_TTL_CAPS_H_
#define DOTCACHE_CACHE_LIVE_TTL_CAPS_H_

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "dns/response.h"

namespace dotcache {

// Three bounds in one atomic number, so that a reader never gets bounds of two configurations. Each
// bound has 21 bits: 24 days at most. Any thread may call any function.
class LiveTtlCaps {
 public:
  explicit LiveTtlCaps(const TtlCaps& caps) : packed_(Pack(caps)) {}

  TtlCaps Get() const {
    const uint64_t packed = packed_.load(std::memory_order_relaxed);
    return {Part(packed >> 2 * kBits), Part(packed >> kBits), Part(packed)};
  }
  void Set(const TtlCaps& caps) { packed_.store(Pack(caps), std::memory_order_relaxed); }

 private:
  static constexpr int kBits = 21;
  static constexpr int64_t kMax = (int64_t{1} << kBits) - 1;

  static uint64_t Bounded(Seconds value) {
    return static_cast<uint64_t>(std::clamp<int64_t>(value.count(), 0, kMax));
  }
  static uint64_t Pack(const TtlCaps& caps) {
    return Bounded(caps.positive) << 2 * kBits | Bounded(caps.negative) << kBits |
           Bounded(caps.floor);
  }
  static Seconds Part(uint64_t packed) { return Seconds{static_cast<int64_t>(packed & kMax)}; }

  std::atomic<uint64_t> packed_;
};

}  // namespace dotcache

#endif  // DOTCACHE_CACHE_LIVE_TTL_CAPS_H_
