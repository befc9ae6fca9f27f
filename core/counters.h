// SPDX-License-Identifier: Apache-2.0
// Counters and histograms that one worker writes and any thread reads.
#ifndef DOTCACHE_CORE_COUNTERS_H_
#define DOTCACHE_CORE_COUNTERS_H_

#include <array>
#include <atomic>
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

// A log-linear histogram of durations, with 4 buckets per octave from 1 us to about 67 s. One
// writer thread; any thread may read.
class DurationHistogram {
 public:
  static constexpr int kSubBucketBits = 2;
  static constexpr int kBucketCount = 26 << kSubBucketBits;

  void Record(Duration duration) {
    const int64_t us = duration.count() <= 0 ? 0 : duration.count() / 1000;
    buckets_[BucketOf(static_cast<uint64_t>(us))].Add();
    sum_us_.Add(static_cast<uint64_t>(us));
  }

  uint64_t bucket(int index) const { return buckets_[static_cast<size_t>(index)].value(); }
  uint64_t sum_us() const { return sum_us_.value(); }

  // The upper bound of the bucket in microseconds, exclusive.
  static constexpr uint64_t UpperBoundUs(int index) {
    const int octave = index >> kSubBucketBits;
    const uint64_t sub = static_cast<uint64_t>(index) & ((1u << kSubBucketBits) - 1);
    if (octave == 0) return sub + 1;
    return ((1u << kSubBucketBits) + sub + 1) << (octave - 1);
  }

  static constexpr size_t BucketOf(uint64_t us) {
    if (us < (1u << kSubBucketBits)) return us;
    const int top = 63 - __builtin_clzll(us);
    const int octave = top - kSubBucketBits + 1;
    const uint64_t sub = (us >> (top - kSubBucketBits)) & ((1u << kSubBucketBits) - 1);
    const size_t index = (static_cast<size_t>(octave) << kSubBucketBits) + sub;
    return index < kBucketCount ? index : kBucketCount - 1;
  }

 private:
  std::array<Counter, kBucketCount> buckets_;
  Counter sum_us_;
};

}  // namespace dotcache

#endif  // DOTCACHE_CORE_COUNTERS_H_
