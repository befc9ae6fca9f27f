// SPDX-License-Identifier: Apache-2.0
#include "cache/lru_shard.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

namespace dotcache {
namespace {

// True when the message's question section is the key's, octet for octet.
bool IsAbout(const CacheEntry& entry, const CacheKey& key) {
  const Bytes wire = entry.view().wire;
  const Bytes question = key.question();
  return wire.size() >= kHeaderSize + question.size() &&
         std::memcmp(wire.data() + kHeaderSize, question.data(), question.size()) == 0;
}

// True when the message's QNAME is `qname`, or with `below` at or below it.
bool IsOfName(const CacheEntry& entry, Bytes qname, bool below) {
  const Bytes wire = entry.view().wire.subspan(kHeaderSize);
  size_t end = 0;
  while (wire[end] != 0) end += size_t{1} + wire[end];
  ++end;
  size_t begin = 0;
  while (below && end - begin > qname.size()) begin += size_t{1} + wire[begin];
  return end - begin == qname.size() &&
         std::memcmp(wire.data() + begin, qname.data(), qname.size()) == 0;
}

bool AgeReached(const CacheEntry& entry, MonoTime now, uint32_t age_ms) {
  return now - entry.stored_at >= Milliseconds{age_ms};
}

}  // namespace

LruShard::LruShard(size_t budget_bytes, const CacheOptions& options)
    : stale_max_age_(options.stale_max_age),
      failure_memory_(options.failure_max_ttl),
      stale_recheck_(options.stale_recheck),
      prefetch_(options.prefetch),
      protected_percent_(std::clamp(options.lru_protected_percent, 0, 95)),
      lru_(0, static_cast<uint64_t>(std::clamp(options.tuning.lru_slack_percent, 0, 100))) {
  UseBudget(budget_bytes);
}

void LruShard::UseBudget(size_t budget_bytes) {
  RemovedEntries removed;
  SlotTable table(std::min<size_t>(budget_bytes / kBytesPerSlot, UINT32_MAX));
  MutexLock lock(mutex_);
  lru_.Clear(removed.chain());
  lru_.BoundProtectedTo((budget_bytes - table.bytes()) / 100 *
                        static_cast<size_t>(protected_percent_));
  std::swap(table_, table);
  budget_bytes_ = budget_bytes;
  bytes_ = table_.bytes();
  entries_ = 0;
  sweep_slot_ = 0;
}

void LruShard::EndInsertions() {
  MutexLock lock(mutex_);
  budget_bytes_ = 0;
}

size_t LruShard::MaxEntries() const {
  return table_.size() - std::min(table_.size(), std::max<size_t>(table_.size() / 8, 1));
}

Found LruShard::Lookup(const CacheKey& key, MonoTime now, bool may_refresh) {
  MutexLock lock(mutex_);
  const size_t slot = Find(key);
  if (slot == kNone) return {};
  const CacheEntry* entry = table_[slot].entry;
  if (!entry->FreshAt(now)) return FoundExpired(entry, now, may_refresh);
  CountHit(entry);
  if (entry->is_failure()) return {CacheEntryRef(entry), Found::State::kFailure};
  bool refresh_due = false;
  ShardState& state = lru_.StateOf(*entry);
  if (may_refresh && AgeReached(*entry, now, state.refresh_at_ms) && state.hits >= 2) {
    refresh_due = true;
    state.refresh_at_ms = AgeAfter(*entry, now, kRefreshClaim);
  }
  return {CacheEntryRef(entry), Found::State::kFresh, refresh_due};
}

Found LruShard::FoundExpired(const CacheEntry* entry, MonoTime now, bool may_refresh) {
  if (!IsUsable(*entry, now)) return {};
  CountHit(entry);
  bool refresh_due = may_refresh;
  ShardState& state = lru_.StateOf(*entry);
  if (may_refresh && state.refresh_failed != 0) {
    refresh_due = AgeReached(*entry, now, state.refresh_at_ms);
    // The refresh of one client serves all clients.
    if (refresh_due) state.refresh_at_ms = AgeAfter(*entry, now, kRefreshClaim);
  }
  return {CacheEntryRef(entry), Found::State::kStale, refresh_due};
}

void LruShard::Insert(const CacheKey& key, CacheEntryRef entry, MonoTime now) {
  const size_t charge = entry->charge();
  const bool may_be_stored = entry->FreshAt(now) && IsAbout(*entry, key);
  RemovedEntries removed;
  MutexLock lock(mutex_);
  const size_t old_slot = Find(key);
  if (!Fits(*entry)) {
    if (!entry->is_failure() && old_slot != kNone) Remove(old_slot, removed);
    return;
  }
  if (!may_be_stored || !entry->Claim(key.flags())) return;
  bool is_protected = false;
  if (old_slot != kNone) {
    const CacheEntry& old = *table_[old_slot].entry;
    if (entry->is_failure() && IsUsable(old, now)) {
      entry->EndClaim();
      return;
    }
    is_protected = lru_.StateOf(old).in_protected != 0 && !entry->is_failure();
    Remove(old_slot, removed);
  }
  while (IsFull(charge)) EvictOne(now, removed);

  ShardState& state = lru_.StateOf(*entry);
  state.hash = static_cast<uint32_t>(key.hash());
  state.hits = 0;
  state.refresh_failed = 0;
  state.refresh_at_ms = PrefetchAge(*entry, key.hash());
  lru_.Add(entry.get(), is_protected);
  ++insertions_;
  Link(key.hash(), entry.Release());
}

CacheEntryRef LruShard::NoteFailure(const CacheKey& key, MonoTime now) {
  MutexLock lock(mutex_);
  const size_t slot = Find(key);
  if (slot == kNone || IsDead(*table_[slot].entry, now)) return nullptr;
  const CacheEntry* entry = table_[slot].entry;
  // Fresh data that is not due for a refresh came after the failed exchange began.
  const bool new_data =
      entry->FreshAt(now) && !AgeReached(*entry, now, PrefetchAge(*entry, key.hash()));
  if (!entry->is_failure() && !new_data) {
    ShardState& state = lru_.StateOf(*entry);
    state.refresh_failed = 1;
    state.refresh_at_ms = AgeAfter(*entry, now, stale_recheck_);
  }
  return CacheEntryRef(entry);
}

Peeked LruShard::Peek(const CacheKey& key) const {
  MutexLock lock(mutex_);
  const size_t slot = Find(key);
  if (slot == kNone) return {};
  const CacheEntry* entry = table_[slot].entry;
  const ShardState& state = lru_.StateOf(*entry);
  Peeked peeked{CacheEntryRef(entry), static_cast<int>(state.hits), state.refresh_failed != 0};
  if (state.refresh_at_ms != ShardState::kNever) peeked.refresh_age.emplace(state.refresh_at_ms);
  return peeked;
}

uint64_t LruShard::EraseNames(Bytes qname, bool below, size_t max_steps, size_t& slot) {
  RemovedEntries removed;
  MutexLock lock(mutex_);
  uint64_t count = 0;
  for (size_t left = max_steps; left > 0 && slot < table_.size(); --left) {
    // Closing the gap may move another entry into the same slot.
    if (table_[slot].entry != nullptr && IsOfName(*table_[slot].entry, qname, below)) {
      Remove(slot, removed);
      ++count;
    } else {
      ++slot;
    }
  }
  if (slot >= table_.size()) slot = kEnd;
  return count;
}

CacheEntryRef LruShard::Take(const CacheKey& key) {
  RemovedEntries removed;
  MutexLock lock(mutex_);
  const size_t slot = Find(key);
  if (slot == kNone) return nullptr;
  CacheEntryRef entry(table_[slot].entry);
  Remove(slot, removed);
  return entry;
}

bool LruShard::HasData(const CacheKey& key, MonoTime now) const {
  MutexLock lock(mutex_);
  const size_t slot = Find(key);
  return slot != kNone && table_[slot].entry->has_data() && IsUsable(*table_[slot].entry, now);
}

size_t LruShard::SweepExpired(MonoTime now, size_t max_slots) {
  RemovedEntries removed;
  MutexLock lock(mutex_);
  size_t count = 0;
  for (size_t left = std::min(max_slots, table_.size()); left > 0; --left) {
    // Closing the gap may move another entry into the same slot.
    while (table_[sweep_slot_].entry != nullptr && IsDead(*table_[sweep_slot_].entry, now)) {
      Remove(sweep_slot_, removed);
      ++count;
    }
    sweep_slot_ = table_.Next(sweep_slot_);
  }
  expirations_ += count;
  return count;
}

uint64_t LruShard::Clear() {
  RemovedEntries removed;
  MutexLock lock(mutex_);
  lru_.Clear(removed.chain());
  bytes_ = table_.bytes();
  table_.Clear();
  return std::exchange(entries_, 0);
}

void LruShard::Copy(MonoTime now, size_t max_slots, size_t& slot, CopiedEntries& copies) const {
  MutexLock lock(mutex_);
  for (size_t left = max_slots; left > 0; --left) {
    if (slot >= table_.size()) {  // The table has become smaller.
      slot = 0;
      break;
    }
    const CacheEntry* entry = table_[slot].entry;
    if (entry != nullptr && IsUsable(*entry, now)) {
      for (uint8_t flags = 0; flags <= CacheKey::kMaxFlags; ++flags) {
        if (!entry->ClaimedUnder(flags)) continue;
        copies.push_back({CacheEntryRef(entry), flags, lru_.StateOf(*entry).in_protected != 0});
      }
    }
    slot = table_.Next(slot);
    if (slot == 0) break;
  }
}

void LruShard::AddTo(CacheStats& stats) const {
  MutexLock lock(mutex_);
  stats.entries += entries_;
  stats.bytes += bytes_;
  stats.budget_bytes += budget_bytes_;
  stats.insertions += insertions_;
  stats.evictions += evictions_;
  stats.expirations += expirations_;
}

size_t LruShard::Find(const CacheKey& key) const {
  if (entries_ == 0) return kNone;
  for (size_t slot = table_.Home(key.hash()); table_[slot].entry != nullptr;
       slot = table_.Next(slot)) {
    if (table_[slot].hash != key.hash()) continue;
    const CacheEntry& entry = *table_[slot].entry;
    if (entry.ClaimedUnder(key.flags()) && IsAbout(entry, key)) return slot;
  }
  return kNone;
}

void LruShard::CountHit(const CacheEntry* entry) {
  ShardState& state = lru_.StateOf(*entry);
  if (state.hits < 3) ++state.hits;
  lru_.Touch(entry);
}

// Between 90 and 95 percent of the time for which the entry is fresh, by hash: names that were
// stored together are not refreshed together.
uint32_t LruShard::PrefetchAge(const CacheEntry& entry, uint64_t hash) const {
  if (!prefetch_ || entry.is_failure()) return ShardState::kNever;
  const auto fresh_ms = static_cast<uint64_t>(Milliseconds{entry.fresh_for()}.count());
  const uint64_t jitter = (hash >> 32) & 0xff;
  return static_cast<uint32_t>(fresh_ms - fresh_ms * (5 * 256 + 5 * jitter) / (100 * 256));
}

// The entry's age, in milliseconds, at the end of `wait`.
uint32_t LruShard::AgeAfter(const CacheEntry& entry, MonoTime now, Seconds wait) {
  const auto age = std::chrono::ceil<Milliseconds>(now - entry.stored_at + wait);
  return static_cast<uint32_t>(std::clamp<int64_t>(age.count(), 0, ShardState::kNever));
}

void LruShard::Link(uint64_t hash, const CacheEntry* entry) {
  table_.Put(hash, entry);
  bytes_ += entry->charge();
  ++entries_;
}

const CacheEntry* LruShard::Unlink(size_t slot) {
  const CacheEntry* entry = table_[slot].entry;
  lru_.Remove(entry);
  table_.Remove(slot);
  bytes_ -= entry->charge();
  --entries_;
  return entry;
}

void LruShard::Remove(size_t slot, RemovedEntries& removed) { removed.chain().Push(Unlink(slot)); }

int LruShard::Worth(const CacheEntry& entry, MonoTime now) const {
  if (IsDead(entry, now)) return 0;
  if (entry.is_failure()) return 1;
  return entry.FreshAt(now) ? 3 : 2;
}

void LruShard::EvictOne(MonoTime now, RemovedEntries& removed) {
  const CacheEntry* victim = lru_.oldest();
  int least = Worth(*victim, now);
  const CacheEntry* candidate = lru_.Newer(victim);
  for (int i = 1; i < kVictimScan && candidate != nullptr && least > 0; ++i) {
    if (const int worth = Worth(*candidate, now); worth < least) {
      least = worth;
      victim = candidate;
    }
    candidate = lru_.Newer(candidate);
  }
  ++(victim->FreshAt(now) ? evictions_ : expirations_);
  Remove(SlotOf(*victim), removed);
}

}  // namespace dotcache
