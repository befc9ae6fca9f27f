// One shard of the cache: one lock, one hash table, one LRU list, one budget.
#ifndef DOTCACHE_CACHE_LRU_SHARD_H_
#define DOTCACHE_CACHE_LRU_SHARD_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "cache/cache_entry.h"
#include "cache/cache_key.h"
#include "core/mutex.h"

namespace dotcache {

struct CacheStats {
  uint64_t entries = 0;
  uint64_t bytes = 0;  // Charged against the budget: the tables and all entries.
  uint64_t budget_bytes = 0;
  uint64_t insertions = 0;
  uint64_t evictions = 0;    // Pushed out while fresh.
  uint64_t expirations = 0;  // Removed because their time was over.
};

// A bounded table of entries in order of use. Any thread may call any function. The lock covers
// pointers and counters only: the table has its full size from the start and never moves, and
// entries that are removed are freed after the lock is released.
//
// Octets charged never exceed the budget, at any moment. One slot in eight, and always one, stays
// free, so that searches stay short and end.
class alignas(64) LruShard {
 public:
  // What the table takes of the budget: a slot of 16 octets for every 128, the smallest answers'
  // size. glibc and the kernel give it as zero pages, so that it costs memory only as it fills.
  static constexpr size_t kBytesPerSlot = 128;

  // An entry that takes more than this part of the budget is not stored.
  static constexpr size_t kMaxEntryShare = 8;

  // Eviction looks at this many of the oldest entries for one that has expired.
  static constexpr int kVictimScan = 8;

  // `slack_percent` is CacheOptions::lru_slack_percent.
  LruShard(size_t budget_bytes, int slack_percent);
  ~LruShard();
  LruShard(const LruShard&) = delete;
  LruShard& operator=(const LruShard&) = delete;

  // The fresh entry under `key`, or null. An expired one is removed.
  CacheEntryRef Lookup(const CacheKey& key, MonoTime now);

  // Stores `entry` as the newest in place of what was there. Not stored: an expired entry, one
  // above kMaxEntryShare, one that a cache holds already, one whose message is not about the key's
  // question.
  void Insert(const CacheKey& key, CacheEntryRef entry, MonoTime now);

  // Goes on through the table from where the last call stopped, for `max_slots` slots, and removes
  // what has expired. Returns the number of entries removed.
  size_t SweepExpired(MonoTime now, size_t max_slots);

  // Removes everything; returns the number of entries removed.
  uint64_t Clear();

  size_t slot_count() const { return slot_count_; }

  // Adds this shard's numbers to `stats`.
  void AddTo(CacheStats& stats) const;

 private:
  class Removed;

  // The hash is here too, so that a probe touches only the entry that it wants.
  struct Slot {
    uint64_t hash;
    const CacheEntry* entry;  // Null: free. Holds one reference.
  };

  struct Free {
    void operator()(Slot* slots) const { std::free(slots); }
  };

  // The slot where the search for `hash` begins; from there on, the first free one ends it.
  size_t Home(uint64_t hash) const { return ((hash & 0xffffffff) * slot_count_) >> 32; }
  size_t Next(size_t slot) const { return slot + 1 == slot_count_ ? 0 : slot + 1; }
  size_t Distance(size_t from, size_t to) const {
    return to >= from ? to - from : to + slot_count_ - from;
  }

  // These return kNone when there is no such slot.
  static constexpr size_t kNone = static_cast<size_t>(-1);
  size_t Find(const CacheKey& key) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  size_t SlotOf(const CacheEntry* entry) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  void PushNewest(const CacheEntry* entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Unlink(const CacheEntry* entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Promote(const CacheEntry* entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Remove(size_t slot, Removed& removed) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CloseGap(size_t slot) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EvictOne(MonoTime now, Removed& removed) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t budget_bytes_;
  const size_t slot_count_;
  const size_t max_entries_;
  const uint64_t slack_percent_;

  mutable Mutex mutex_;
  std::unique_ptr<Slot[], Free> slots_ ABSL_GUARDED_BY(mutex_);
  const CacheEntry* newest_ ABSL_GUARDED_BY(mutex_) = nullptr;
  const CacheEntry* oldest_ ABSL_GUARDED_BY(mutex_) = nullptr;
  uint32_t sequence_ ABSL_GUARDED_BY(mutex_) = 0;  // Times an entry became the newest; wraps.
  size_t sweep_slot_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t bytes_ ABSL_GUARDED_BY(mutex_);
  size_t entries_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t insertions_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t evictions_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t expirations_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace dotcache

#endif  // DOTCACHE_CACHE_LRU_SHARD_H_
