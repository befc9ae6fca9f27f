// SPDX-License-Identifier: Apache-2.0
// The hash table of a shard.
#ifndef DOTCACHE_CACHE_SLOT_TABLE_H_
#define DOTCACHE_CACHE_SLOT_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "cache/cache_entry.h"

namespace dotcache {

// Open addressing with linear probing: an entry is in the first slot that was free at or after its
// home. A removal moves later entries of the same run back and closes the gap. There are no
// tombstones, so a search ends at the first free slot. The table has its full size from the start.
// Its pages cost memory only once they are used.
//
// Owns no references. Not thread-safe: its shard's lock guards it.
// REQUIRES: at least one slot stays free, if there are any.
class SlotTable {
 public:
  // A slot has the hash too, so that a search reads only entries with the right hash.
  struct Slot {
    uint64_t hash;
    const CacheEntry* entry;  // Null: free.
  };

  explicit SlotTable(size_t slots);

  size_t size() const { return size_; }
  size_t bytes() const { return size_ * sizeof(Slot); }
  const Slot& operator[](size_t slot) const { return slots_[slot]; }

  // The slot where the search for `hash` begins. It ends at the first free slot.
  // REQUIRES: size() > 0.
  size_t Home(uint64_t hash) const { return ((hash & 0xffffffff) * size_) >> 32; }
  size_t Next(size_t slot) const { return slot + 1 == size_ ? 0 : slot + 1; }
  // REQUIRES: the table has `entry`, and `hash` has the lower half of its hash.
  size_t SlotOf(const CacheEntry& entry, uint32_t hash) const;

  void Put(uint64_t hash, const CacheEntry* entry);
  // Another entry may move into the slot.
  void Remove(size_t slot);
  void Clear();

 private:
  struct Free {
    void operator()(Slot* slots) const { std::free(slots); }
  };

  size_t Distance(size_t from, size_t to) const {
    return to >= from ? to - from : to + size_ - from;
  }

  size_t size_;
  std::unique_ptr<Slot[], Free> slots_;
};

}  // namespace dotcache

#endif  // DOTCACHE_CACHE_SLOT_TABLE_H_
