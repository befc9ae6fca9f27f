// SPDX-License-Identifier: Apache-2.0
// Counters and histograms that one worker writes and any thread reads.
#ifndef DOTCACHE_CORE_COUNTERS_H_
#define DOTCACHE_CORE_COUNTERS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "core/clock.h"

namespace dotcache {

// A number with one writer thread. A write is a relaxed load and store without a locked
// instruction. Readers on other threads see a recent value.
class Counter {
 public:
  void Add(uint64_t n = 1) { Set(value() + n); }
  void Set(uint64_t n) { value_.store(n, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// A histogram of durations with the bounds 1, 2, 5, 10 ms and so on to 10 s. A bound belongs to its
// bucket. One writer thread; any thread may read.
class DurationHistogram {
 public:
  static constexpr std::array<uint32_t, 13> kBoundsMs = {1,   2,   5,    10,   20,   50,   100,
                                                         200, 500, 1000, 2000, 5000, 10000};
  // The last bucket has no bound.
  static constexpr size_t kBucketCount = kBoundsMs.size() + 1;

  void Record(Duration duration) {
    const int64_t us = duration.count() <= 0 ? 0 : duration.count() / 1000;
    buckets_[BucketOf(duration)].Add();
    sum_us_.Add(static_cast<uint64_t>(us));
  }

  uint64_t bucket(size_t index) const { return buckets_[index].value(); }
  uint64_t sum_us() const { return sum_us_.value(); }

  static constexpr size_t BucketOf(Duration duration) {
    size_t index = 0;
    while (index < kBoundsMs.size() && duration > Milliseconds(kBoundsMs[index])) ++index;
    return index;
  }

 private:
  std::array<Counter, kBucketCount> buckets_;
  Counter sum_us_;
};

}  // namespace dotcache

#endif  // DOTCACHE_CORE_COUNTERS_H_
