// SPDX-License-Identifier: Apache-2.0
#include "cache/shard_move.h"

#include "cache/removed_entries.h"

namespace dotcache {

void ShardMove::MoveKey(LruShard& from, const CacheKey& key, LruShard& to) {
  RemovedEntries removed;
  const MutexLockPair lock(from.mutex_, to.mutex_);
  if (from.budget_bytes_ != 0) return;
  const size_t slot = from.Find(key);
  if (slot == LruShard::kNone) return;
  const CacheEntry* entry = from.Unlink(slot);
  if (!to.Fits(*entry)) {
    removed.chain().Push(entry);
    return;
  }
  while (to.IsFull(entry->charge())) to.EvictOne(MonoTime(), removed);
  to.lru_.Add(entry, to.lru_.StateOf(*entry).in_protected != 0);
  to.Link(key.hash(), entry);
}

std::optional<uint64_t> ShardMove::NewestHash(LruShard& from, Which which) {
  const MutexLock lock(from.mutex_);
  const CacheEntry* newest = from.lru_.newest();
  if (newest == nullptr) return std::nullopt;
  if (which == Which::kProtected && from.lru_.StateOf(*newest).in_protected == 0) {
    return std::nullopt;
  }
  return from.table_[from.SlotOf(*newest)].hash;
}

bool ShardMove::MoveNewest(LruShard& from, MonoTime now, Which which, size_t max_entries,
                           absl::FunctionRef<LruShard&(uint64_t hash)> to) {
  RemovedEntries removed;
  for (size_t i = 0; i < max_entries; ++i) {
    const std::optional<uint64_t> hash = NewestHash(from, which);
    if (!hash.has_value()) return false;
    LruShard& target = to(*hash);
    const MutexLockPair lock(from.mutex_, target.mutex_);
    const CacheEntry* newest = from.lru_.newest();
    const size_t slot = newest == nullptr ? LruShard::kNone : from.SlotOf(*newest);
    // A query may have moved the entry before the locks were held.
    if (slot == LruShard::kNone || from.table_[slot].hash != *hash) continue;
    const CacheEntry* entry = from.Unlink(slot);
    if (from.IsDead(*entry, now) || !target.Fits(*entry) || target.IsFull(entry->charge())) {
      ++(entry->FreshAt(now) ? from.evictions_ : from.expirations_);
      removed.chain().Push(entry);
      continue;
    }
    target.lru_.AddOldest(entry);
    target.Link(*hash, entry);
  }
  return true;
}

}  // namespace dotcache
