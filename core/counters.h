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

// Counts values in buckets with the bounds Bounds::kBounds, which ascend. A bound belongs to its
// bucket. The last bucket has no bound. One writer thread; any thread may read.
template <typename Bounds>
class Histogram {
 public:
  static constexpr auto kBounds = Bounds::kBounds;
  static constexpr size_t kBucketCount = kBounds.size() + 1;

  // Counts `times` equal values.
  void Count(uint64_t value, uint64_t times = 1) {
    buckets_[BucketOf(value)].Add(times);
    sum_.Add(value * times);
  }

  uint64_t bucket(size_t index) const { return buckets_[index].value(); }
  uint64_t sum() const { return sum_.value(); }

  static constexpr size_t BucketOf(uint64_t value) {
    size_t index = 0;
    while (index < kBounds.size() && value > kBounds[index]) ++index;
    return index;
  }

 private:
  std::array<Counter, kBucketCount> buckets_;
  Counter sum_;
};

// A histogram of durations in microseconds.
template <typename Bounds>
class TimeHistogram : public Histogram<Bounds> {
 public:
  // Rounded up, so that a bound belongs to its bucket.
  static constexpr uint64_t MicrosecondsOf(Duration duration) {
    if (duration.count() <= 0) return 0;
    return static_cast<uint64_t>(duration.count() / 1000 + (duration.count() % 1000 != 0 ? 1 : 0));
  }
  void Record(Duration duration, uint64_t times = 1) {
    this->Count(MicrosecondsOf(duration), times);
  }
};

// 1, 2, 5, 10 ms and so on to 10 s.
struct UpstreamTimeBounds {
  static constexpr std::array<uint64_t, 13> kBounds = {
      1'000,   2'000,   5'000,     10'000,    20'000,    50'000,    100'000,
      200'000, 500'000, 1'000'000, 2'000'000, 5'000'000, 10'000'000};
};
using DurationHistogram = TimeHistogram<UpstreamTimeBounds>;

// With two bounds for answers from the cache, up to the longest time that a client waits.
struct QueryTimeBounds {
  static constexpr std::array<uint64_t, 14> kBounds = {
      100,    500,     1'000,   2'000,   5'000,     10'000,    20'000,
      50'000, 100'000, 200'000, 500'000, 1'000'000, 2'000'000, 5'000'000};
};
using QueryTimeHistogram = TimeHistogram<QueryTimeBounds>;

// Octets of messages: 512 without EDNS, 1232 as the usual limit over UDP.
struct SizeBounds {
  static constexpr std::array<uint64_t, 4> kBounds = {128, 512, 1232, 4096};
};
using SizeHistogram = Histogram<SizeBounds>;

}  // namespace dotcache

#endif  // DOTCACHE_CORE_COUNTERS_H_
