// SPDX-License-Identifier: Apache-2.0
// The order in which a shard evicts its entries.
#ifndef DOTCACHE_CACHE_SEGMENTED_LRU_H_
#define DOTCACHE_CACHE_SEGMENTED_LRU_H_

#include <cstddef>
#include <cstdint>

#include "cache/cache_entry.h"

namespace dotcache {

// LRU in two segments. A new entry is on probation; an entry with a later hit is protected. Evicted
// entries come from probation as long as it has any entry. Names that are queried once therefore
// evict only each other, however many there are. The protected segment is bounded in octets. Above
// the bound, its least recently used entries return to probation as the newest entries. With a
// bound of 0 there is one segment: plain LRU. A failure is never protected.
//
// A hit does not move an entry that is among the newest `slack_percent` of its segment. Most hits
// on popular names therefore write only a reference count, and the order of eviction is still that
// of LRU. A fixed time instead of a position would give FIFO when the list turns over faster than
// that time.
//
// Links entries and counts octets; owns nothing. Not thread-safe: its shard's lock guards it.
class SegmentedLru {
 public:
  // Entries that left a shard, for a caller that frees them after it released the lock.
  class Chain {
   public:
    void Push(const CacheEntry* entry);
    const CacheEntry* Pop();  // Null: empty.

   private:
    friend class SegmentedLru;
    const CacheEntry* first_ = nullptr;
  };

  SegmentedLru(size_t protected_bytes, uint64_t slack_percent)
      : protected_bytes_(protected_bytes), slack_percent_(slack_percent) {}

  // The shard's record of an entry that it holds or is about to hold. Not static: clang then checks
  // that the caller holds the lock that guards this object.
  ShardState& StateOf(const CacheEntry& entry) const { return entry.shard_state_; }

  // Adds the entry as the newest of its segment.
  void Add(const CacheEntry* entry, bool is_protected);

  // Records the effect of a hit, which ShardState::hits already counts.
  void Touch(const CacheEntry* entry);

  void Remove(const CacheEntry* entry);

  // Adds an entry that comes from another shard, as the oldest. It is protected if it was and the
  // bound allows it.
  void AddOldest(const CacheEntry* entry);

  // Uses another bound of the protected segment. REQUIRES: there are no entries.
  void BoundProtectedTo(size_t protected_bytes) { protected_bytes_ = protected_bytes; }

  // The entry that would be evicted last. Null if there is none.
  const CacheEntry* newest() const {
    return protected_.newest != nullptr ? protected_.newest : probation_.newest;
  }

  // The entries from the least recently used on: probation, or the protected segment when probation
  // is empty. Null at the end.
  const CacheEntry* oldest() const {
    return probation_.oldest != nullptr ? probation_.oldest : protected_.oldest;
  }
  const CacheEntry* Newer(const CacheEntry* entry) const { return StateOf(*entry).newer; }

  // Moves all entries to `chain`.
  void Clear(Chain& chain);

 private:
  struct Segment {
    const CacheEntry* newest = nullptr;
    const CacheEntry* oldest = nullptr;
    uint32_t sequence = 0;  // Times an entry became the newest; wraps.
    size_t entries = 0;
    size_t bytes = 0;
  };

  Segment& SegmentOf(const CacheEntry* entry) {
    return StateOf(*entry).in_protected != 0 ? protected_ : probation_;
  }
  void Push(Segment& segment, const CacheEntry* entry);
  void Unlink(Segment& segment, const CacheEntry* entry);
  void BoundProtected();

  size_t protected_bytes_;
  const uint64_t slack_percent_;
  Segment probation_;
  Segment protected_;
};

}  // namespace dotcache

#endif  // DOTCACHE_CACHE_SEGMENTED_LRU_H_
