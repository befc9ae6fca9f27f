// SPDX-License-Identifier: Apache-2.0
// The order in which entries of a shard are pushed out.
#ifndef DOTCACHE_CACHE_SEGMENTED_LRU_H_
#define DOTCACHE_CACHE_SEGMENTED_LRU_H_

#include <cstddef>
#include <cstdint>

#include "cache/cache_entry.h"

namespace dotcache {

// LRU in two segments. What is new is on probation; what was asked for again is protected. Victims
// come from probation alone as long as it has any, so names that are asked for once, however many
// there are, push out only each other. The protected segment is bounded in octets: over the bound
// its least recently used entries go back to probation, as the newest there. With a bound of 0
// there is one segment: plain LRU. A failure gains nothing by being asked for again.
//
// Each segment is LRU by position: a hit makes an entry the newest only when more than
// `slack_percent` of the segment's entries became the newest since it did. Hence most hits on
// popular names write nothing but a reference count, and eviction picks as LRU does. (Refreshing by
// elapsed time instead degenerates to FIFO once the list turns over faster than the interval.)
//
// Links entries and counts octets; owns nothing. Not thread-safe: belongs to a shard's lock.
class SegmentedLru {
 public:
  SegmentedLru(size_t protected_bytes, uint64_t slack_percent)
      : protected_bytes_(protected_bytes), slack_percent_(slack_percent) {}

  // Adds the entry as the newest of its segment.
  void Add(const CacheEntry* entry, bool is_protected);

  // The entry was asked for.
  void Touch(const CacheEntry* entry);

  void Remove(const CacheEntry* entry);

  // From the least recently used on: probation, or the protected segment when that is empty. Null
  // at the end.
  const CacheEntry* oldest() const {
    return probation_.oldest != nullptr ? probation_.oldest : protected_.oldest;
  }
  static const CacheEntry* Newer(const CacheEntry* entry) { return entry->newer_; }

  // Forgets all entries, and hands over the two lists, linked by `older_`.
  struct Lists {
    const CacheEntry* first;
    const CacheEntry* second;
  };
  Lists Clear();

 private:
  struct Segment {
    const CacheEntry* newest = nullptr;
    const CacheEntry* oldest = nullptr;
    uint32_t sequence = 0;  // Times an entry became the newest; wraps.
    size_t entries = 0;
    size_t bytes = 0;
  };

  Segment& SegmentOf(const CacheEntry* entry) {
    return entry->protected_ != 0 ? protected_ : probation_;
  }
  static void Push(Segment& segment, const CacheEntry* entry);
  static void Unlink(Segment& segment, const CacheEntry* entry);
  void BoundProtected();

  const size_t protected_bytes_;
  const uint64_t slack_percent_;
  Segment probation_;
  Segment protected_;
};

}  // namespace dotcache

#endif  // DOTCACHE_CACHE_SEGMENTED_LRU_H_
