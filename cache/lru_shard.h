// SPDX-License-Identifier: Apache-2.0
// One shard of the cache: one lock, one hash table, one order of eviction, one budget.
#ifndef DOTCACHE_CACHE_LRU_SHARD_H_
#define DOTCACHE_CACHE_LRU_SHARD_H_

#include <cstddef>
#include <cstdint>

#include "cache/cache_entry.h"
#include "cache/cache_key.h"
#include "cache/cache_options.h"
#include "cache/cache_stats.h"
#include "cache/copied_entry.h"
#include "cache/found.h"
#include "cache/removed_entries.h"
#include "cache/segmented_lru.h"
#include "cache/slot_table.h"
#include "core/mutex.h"

namespace dotcache {

// A bounded table of entries with an order of eviction. An expired entry stays until it is
// replaced, swept or evicted. It is returned as stale data until it is dead. Any thread may call
// any function. Under the lock, only pointers and counters change. Removed entries are freed after
// the lock is released.
//
// The octets charged never exceed the budget. At least one slot in eight stays free, so every
// search ends.
class alignas(64) LruShard {
 public:
  // The table has one slot of 16 octets for every 128 of the budget, the size of the smallest
  // answers.
  static constexpr size_t kBytesPerSlot = 128;

  // An entry that takes more than this part of the budget is not stored.
  static constexpr size_t kMaxEntryShare = 8;
  // The number of oldest entries that an eviction compares.
  static constexpr int kVictimScan = 8;
  // After a caller got `refresh_due`, other callers do not get it for this time. It is longer than
  // any exchange.
  static constexpr Seconds kRefreshClaim{31};

  // Uses all options except the budget and the number of shards.
  LruShard(size_t budget_bytes, const CacheOptions& options);
  ~LruShard() { UseBudget(0); }
  LruShard(const LruShard&) = delete;
  LruShard& operator=(const LruShard&) = delete;

  // Returns the entry of `key`, unless it is dead. With `may_refresh` false, `refresh_due` is false
  // and the refresh stays due for other callers.
  Found Lookup(const CacheKey& key, MonoTime now, bool may_refresh = true);

  // Stores `entry` as the newest, in place of the key's old entry. It is protected if the old entry
  // was protected and `entry` is no failure. These entries are not stored:
  // - an expired entry, or an entry that a shard holds already;
  // - an entry whose message has another question;
  // - a failure while usable data is held;
  // - an entry above kMaxEntryShare. Unless it is a failure, it still removes the old entry.
  void Insert(const CacheKey& key, CacheEntryRef entry, MonoTime now);

  // Records that resolution of `key` failed, and returns the key's entry unless it is dead: data,
  // or the failure before this one. Data that is not yet due for a refresh arrived during the
  // failed exchange and is not affected. No refresh of other data begins before
  // CacheOptions::stale_recheck is over.
  CacheEntryRef NoteFailure(const CacheKey& key, MonoTime now);

  Peeked Peek(const CacheKey& key) const;  // The key's entry, even a dead one. Is no hit.

  // Removes the entries of `qname` (canonical), with `below` also of all names below it. Begins at
  // `slot`, ends after `max_steps` slots and entries, and sets `slot` to the next, or to kEnd.
  static constexpr size_t kEnd = static_cast<size_t>(-1);
  uint64_t EraseNames(Bytes qname, bool below, size_t max_steps, size_t& slot);
  CacheEntryRef Take(const CacheKey& key);  // Removes the key's entry and returns it, or null.
  // True if the key has data, fresh or stale: records, or an alias that leads to none. Is no hit.
  bool HasData(const CacheKey& key, MonoTime now) const;

  // Removes dead entries from `max_slots` slots, starting where the last call stopped. Returns
  // their number.
  size_t SweepExpired(MonoTime now, size_t max_slots);

  uint64_t Clear();                     // Removes all entries; returns their number.
  void EndInsertions();                 // From now on entries only leave, until UseBudget().
  void UseBudget(size_t budget_bytes);  // Removes all entries, and has this budget from now on.
  // Appends the entries of the next `max_slots` slots that may answer queries, except failures and
  // parts of answers. An entry that moves between two calls may be left out. `slot`: as above.
  void Copy(MonoTime now, size_t max_slots, size_t& slot, CopiedEntries& copies) const;
  void AddTo(CacheStats& stats) const;  // Adds this shard's numbers.

 private:
  friend class ShardMove;

  static constexpr size_t kNone = static_cast<size_t>(-1);  // No such slot.
  size_t Find(const CacheKey& key) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  size_t SlotOf(const CacheEntry& entry) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return table_.SlotOf(entry, lru_.StateOf(entry).hash);
  }
  // An entry that does not fit is never stored, whatever is evicted.
  bool Fits(const CacheEntry& entry) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return entry.charge() <= budget_bytes_ / kMaxEntryShare && MaxEntries() > 0;
  }
  bool IsFull(size_t charge) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return bytes_ + charge > budget_bytes_ || entries_ >= MaxEntries();
  }
  size_t MaxEntries() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // True when the entry is too old even for stale data, or for the count of failures.
  bool IsDead(const CacheEntry& entry, MonoTime now) const {
    return now >= entry.expires_at() + (entry.is_failure() ? failure_memory_ : stale_max_age_);
  }
  bool IsUsable(const CacheEntry& entry, MonoTime now) const {
    return !entry.is_failure() && !IsDead(entry, now);
  }
  // An eviction takes the entry with the lowest worth among the oldest entries.
  int Worth(const CacheEntry& entry, MonoTime now) const;
  uint32_t PrefetchAge(const CacheEntry& entry, uint64_t hash) const;
  static uint32_t AgeAfter(const CacheEntry& entry, MonoTime now, Seconds wait);
  void CountHit(const CacheEntry* entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Found FoundExpired(const CacheEntry* entry, MonoTime now, bool may_refresh)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Counts an entry that the order of eviction has, and makes it findable.
  void Link(uint64_t hash, const CacheEntry* entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  const CacheEntry* Unlink(size_t slot) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Remove(size_t slot, RemovedEntries& removed) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EvictOne(MonoTime now, RemovedEntries& removed) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Duration stale_max_age_;
  const Duration failure_memory_;  // After this time, an expired failure is dead.
  const Seconds stale_recheck_;
  const bool prefetch_;
  const int protected_percent_;

  mutable Mutex mutex_;
  size_t budget_bytes_ ABSL_GUARDED_BY(mutex_) = 0;  // 0: nothing is inserted.
  SlotTable table_ ABSL_GUARDED_BY(mutex_){0};
  SegmentedLru lru_ ABSL_GUARDED_BY(mutex_);
  size_t sweep_slot_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;  // With the table.
  size_t entries_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t insertions_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t evictions_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t expirations_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace dotcache

#endif  // DOTCACHE_CACHE_LRU_SHARD_H_
