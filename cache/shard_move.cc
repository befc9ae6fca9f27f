// SPDX-License-Identifier: Apache-2.0
#include "cache/shard_move.h"

#include "cache/removed_entries.h"

namespace dotcache {

void ShardMove::MoveKey(LruShard& from, const CacheKey& key, LruShard& to) {
  RemovedEntries removed;
  const MutexLock lock_from(from.mutex_);
  if (from.budget_bytes_ != 0) return;
  const size_t slot = from.Find(key);
  if (slot == LruShard::kNone) return;
  const MutexLock lock_to(to.mutex_);
  const CacheEntry* entry = from.Unlink(slot);
  if (!to.Fits(*entry)) {
    removed.chain().Push(entry);
    return;
  }
  while (to.IsFull(entry->charge())) to.EvictOne(MonoTime(), removed);
  to.lru_.Add(entry, to.lru_.StateOf(*entry).in_protected != 0);
  to.Link(key.hash(), entry);
}

bool ShardMove::MoveNewest(LruShard& from, MonoTime now, Which which, size_t max_entries,
                           absl::FunctionRef<LruShard&(uint64_t hash)> to) {
  RemovedEntries removed;
  const MutexLock lock_from(from.mutex_);
  for (size_t i = 0; i < max_entries; ++i) {
    const CacheEntry* newest = from.lru_.newest();
    if (newest == nullptr) return false;
    if (which == Which::kProtected && from.lru_.StateOf(*newest).in_protected == 0) return false;
    const size_t slot = from.SlotOf(*newest);
    const uint64_t hash = from.table_[slot].hash;
    LruShard& target = to(hash);
    const MutexLock lock_to(target.mutex_);
    const CacheEntry* entry = from.Unlink(slot);
    if (from.IsDead(*entry, now) || !target.Fits(*entry) || target.IsFull(entry->charge())) {
      ++(entry->FreshAt(now) ? from.evictions_ : from.expirations_);
      removed.chain().Push(entry);
      continue;
    }
    target.lru_.AddOldest(entry);
    target.Link(hash, entry);
  }
  return true;
}

}  // namespace dotcache
