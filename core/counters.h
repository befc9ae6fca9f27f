// Counters and histograms that one worker writes and any thread reads.
#ifndef DOTCACHE_CORE_COUNTERS_H_
#define DOTCACHE_CORE_COUNTERS_H_

#include <array>
#include <atomic>
#include <cstdint>

#include "core/clock.h"
#include "core/dns_types.h"
#include "core/query.h"

namespace dotcache {

// A number with one writer thread: a relaxed load and store, no locked instruction. Readers on
// other threads see a recent value.
class Counter {
 public:
  void Add(uint64_t n = 1) { Set(value() + n); }
  void Sub(uint64_t n = 1) { Set(value() - n); }
  void Set(uint64_t n) { value_.store(n, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// A log-linear histogram of durations: 4 buckets an octave from 1 us up to about 67 s. One writer.
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

  // The smallest number of microseconds above everything in the bucket.
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

// What one worker counts about clients. Cache-line aligned: no worker writes to another's line.
struct alignas(64) WorkerCounters {
  static constexpr int kRcodeSlots = 24;  // RCODE 0-23; slot 23 also takes what is above.

  std::array<Counter, kTransportCount> queries;           // Messages received, by transport.
  std::array<Counter, kRcodeSlots> responses;             // Replies sent, by RCODE.
  std::array<Counter, kRejectionReasonCount> rejections;  // Queries not served, by reason.
  Counter cache_hits;
  Counter cache_misses;
  Counter local_answers;      // Answered from local zones.
  Counter coalesced_queries;  // Joined an exchange that was already under way.
  Counter refused_clients;    // Outside the access list.
  Counter limit_rejections;   // Turned away because a table or queue was full.
  Counter udp_send_drops;     // Replies the kernel did not take.
  Counter truncated_replies;
  Counter stream_connections;  // Open client connections, TCP and DoT: a gauge.
  Counter stream_connections_total;
  Counter pending_queries;          // Distinct questions waiting for upstream: a gauge.
  DurationHistogram miss_duration;  // Query received to reply sent, for misses.

  void CountResponse(Rcode rcode) {
    const size_t slot = static_cast<size_t>(rcode);
    responses[slot < kRcodeSlots ? slot : kRcodeSlots - 1].Add();
  }
};

// What one worker counts about one upstream server.
struct alignas(64) UpstreamCounters {
  Counter queries;     // Queries sent, re-sent ones included.
  Counter responses;   // Usable responses received.
  Counter timeouts;    // Attempts not answered in time; a late answer may follow.
  Counter failures;    // Attempts that ended in an UpstreamFailure.
  Counter mismatched;  // Messages dropped because they were not ours.
  Counter full_handshakes;
  Counter resumed_handshakes;
  Counter failed_handshakes;
  Counter open_connections;          // A gauge.
  Counter in_flight;                 // A gauge.
  Counter up;                        // 1 up (or not tried yet), 0 down: a gauge.
  DurationHistogram response_time;   // Query written to response read.
  DurationHistogram handshake_time;  // Connect begun to connection ready.
};

}  // namespace dotcache

#endif  // DOTCACHE_CORE_COUNTERS_H_
