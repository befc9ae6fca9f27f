// SPDX-License-Identifier: Apache-2.0
// One shard of the cache: one lock, one hash table, one order of eviction, one budget.
#ifndef DOTCACHE_CACHE_LRU_SHARD_H_
#define DOTCACHE_CACHE_LRU_SHARD_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "cache/cache_entry.h"
#include "cache/cache_key.h"
#include "cache/cache_options.h"
#include "cache/cache_stats.h"
#include "cache/found.h"
#include "cache/segmented_lru.h"
#include "core/mutex.h"

namespace dotcache {

// A bounded table of entries in order of use. An expired entry stays in its place, for as long as
// it may be given as stale data, until it is replaced, swept or pushed out. Any thread may call any
// function. The lock covers pointers and counters only: the table has its full size from the start
// and never moves, and entries that are removed are freed after the lock is released.
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

  // Who is told to refresh keeps others from it for this long: longer than any exchange may take.
  static constexpr Seconds kRefreshClaim{31};

  // Of the options all but the budget and the number of shards.
  LruShard(size_t budget_bytes, const CacheOptions& options);
  ~LruShard();
  LruShard(const LruShard&) = delete;
  LruShard& operator=(const LruShard&) = delete;

  // What is known under `key`. A caller that may not refresh is told of no refresh, and takes no
  // turn from those who may.
  Found Lookup(const CacheKey& key, MonoTime now, bool may_refresh = true);

  // Stores `entry` as the newest, in place of what was there, and protected if that was and this is
  // no failure. Not stored: an expired entry, one that a cache holds already, one whose message is
  // not about the key's question, a failure where there is data that can be given; and one above
  // kMaxEntryShare, which ends what was there all the same.
  void Insert(const CacheKey& key, CacheEntryRef entry, MonoTime now);

  // Resolution of `key` has failed. Data that can be given, fresh or stale, is returned, and is not
  // refreshed again before CacheOptions::stale_recheck is over, unless it is too fresh for any
  // refresh: then it came while the exchange that failed was under way. And so is the failure that
  // was remembered, though its time be over. Null: neither.
  CacheEntryRef NoteFailure(const CacheKey& key, MonoTime now);

  // Removes what is there.
  void Erase(const CacheKey& key);

  // Goes on through the table from where the last call stopped, for `max_slots` slots, and removes
  // what is of no use any more. Returns the number of entries removed.
  size_t SweepExpired(MonoTime now, size_t max_slots);

  // Removes everything; returns the number of entries removed.
  uint64_t Clear();

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

  // True when the entry is of no use any more: expired, and not to be given as stale data either.
  bool IsDead(const CacheEntry& entry, MonoTime now) const {
    return now >= entry.expires_at() + (entry.is_failure() ? failure_memory_ : stale_max_age_);
  }
  // Data that can be given to clients.
  bool IsUsable(const CacheEntry& entry, MonoTime now) const {
    return !entry.is_failure() && !IsDead(entry, now);
  }
  // In which order the oldest entries go: the lowest first.
  int Worth(const CacheEntry& entry, MonoTime now) const;
  uint32_t PrefetchAge(const CacheEntry& entry, uint64_t hash) const;
  static uint32_t AgeAfter(const CacheEntry& entry, MonoTime now, Seconds wait);
  void Use(const CacheEntry* entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Found FoundExpired(const CacheEntry* entry, MonoTime now, bool may_refresh)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Remove(size_t slot, Removed& removed) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CloseGap(size_t slot) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EvictOne(MonoTime now, Removed& removed) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t budget_bytes_;
  const size_t slot_count_;
  const size_t max_entries_;
  const Duration stale_max_age_;
  const Duration failure_memory_;  // After its end a failure still counts, for the next one's time.
  const Seconds stale_recheck_;
  const bool prefetch_;

  mutable Mutex mutex_;
  std::unique_ptr<Slot[], Free> slots_ ABSL_GUARDED_BY(mutex_);
  SegmentedLru lru_ ABSL_GUARDED_BY(mutex_);
  size_t sweep_slot_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t bytes_ ABSL_GUARDED_BY(mutex_);
  size_t entries_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t insertions_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t evictions_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t expirations_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace dotcache

#endif  // DOTCACHE_CACHE_LRU_SHARD_H_
