// SPDX-License-Identifier: Apache-2.0
// When the servers of each zone last answered.
#ifndef DOTCACHE_ANSWER_ANSWER_TIMES_H_
#define DOTCACHE_ANSWER_ANSWER_TIMES_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "cache/cache_entry.h"
#include "core/clock.h"

namespace dotcache {

// For each zone: when its servers last answered a name, and when they last answered another name
// before that. A remembered failure from before an answer to another name may have had a cause that
// is over. Any thread may call any function. Times are exact to a millisecond.
class AnswerTimes {
 public:
  explicit AnswerTimes(size_t zones) : size_(zones), zones_(new Zone[zones]) {}

  // A name with this hash was answered. Other zones than those of the constructor are ignored.
  void Note(size_t zone, uint64_t name_hash, MonoTime now) {
    if (zone >= size_) return;
    const uint64_t answer = Pack(name_hash, now);
    Zone& times = zones_[zone];
    const uint64_t last = times.last.exchange(answer, std::memory_order_relaxed);
    if ((last & kHashMask) != (answer & kHashMask)) {
      times.other.store(last, std::memory_order_relaxed);
    }
  }

  // True if the cause of a remembered failure of the name may be over: the servers that failed have
  // answered another name since. Not if they did so while this name failed, and not within a second
  // (RFC 9520 section 3.2).
  bool MayBeOver(const CacheEntry& failure, uint64_t name_hash, MonoTime now) const {
    return !failure.is_of_name() && now - failure.stored_at >= Seconds(1) &&
           LatestOfOther(failure.failed_zone(), name_hash) > failure.stored_at;
  }

  // The latest answer to a name other than the one with this hash. The clock's epoch: none.
  MonoTime LatestOfOther(size_t zone, uint64_t name_hash) const {
    if (zone >= size_) return MonoTime();
    const Zone& times = zones_[zone];
    const uint64_t last = times.last.load(std::memory_order_relaxed);
    const bool is_other = (last & kHashMask) != (Pack(name_hash, MonoTime()) & kHashMask);
    const uint64_t packed = is_other ? last : times.other.load(std::memory_order_relaxed);
    return MonoTime(Milliseconds(packed >> kHashBits));
  }

 private:
  struct Zone {
    std::atomic<uint64_t> last{0};
    std::atomic<uint64_t> other{0};  // The latest one of another name than `last`.
  };

  // 40 bits of milliseconds are enough for 34 years; the rest are bits of the hash.
  static constexpr int kHashBits = 24;
  static constexpr uint64_t kHashMask = (uint64_t{1} << kHashBits) - 1;
  static uint64_t Pack(uint64_t name_hash, MonoTime now) {
    const auto ms = std::chrono::floor<Milliseconds>(now.time_since_epoch()).count();
    return static_cast<uint64_t>(ms) << kHashBits | name_hash >> (64 - kHashBits);
  }

  const size_t size_;
  const std::unique_ptr<Zone[]> zones_;
};

}  // namespace dotcache

#endif  // DOTCACHE_ANSWER_ANSWER_TIMES_H_
