// The table is open addressing with linear probing: an entry sits in the first slot that was free
// at or after its home. Removing closes the gap by moving later entries of the same run back, so
// there are no tombstones and a search ends at the first free slot.
//
// The list is LRU by position: a hit makes an entry the newest only when more than `slack_percent`
// of the shard's entries became the newest since it did. Hence most hits on popular names write
// nothing but a reference count, and eviction picks as LRU does. (Refreshing by elapsed time
// instead degenerates to FIFO once the list turns over faster than the interval.)
#include "cache/lru_shard.h"

#include <algorithm>
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

}  // namespace

// Entries taken out under the lock. Declare it before the lock, so that it frees them after.
class LruShard::Removed {
 public:
  Removed() = default;
  Removed(const Removed&) = delete;
  Removed& operator=(const Removed&) = delete;

  ~Removed() {
    while (first_ != nullptr) {
      const CacheEntry* entry = std::exchange(first_, first_->older_);
      // From here on the entry may be stored again by whoever still has it.
      entry->state_.store(0, std::memory_order_release);
      CacheEntryRef::Drop(entry);
    }
  }

  void Add(const CacheEntry* entry) { entry->older_ = std::exchange(first_, entry); }

  // The whole list at once: it is linked the same way.
  void AddList(const CacheEntry* newest) { first_ = newest; }

 private:
  const CacheEntry* first_ = nullptr;
};

LruShard::LruShard(size_t budget_bytes, int slack_percent)
    : budget_bytes_(budget_bytes),
      slot_count_(std::min<size_t>(budget_bytes / kBytesPerSlot, UINT32_MAX)),
      max_entries_(slot_count_ - std::min(slot_count_, std::max<size_t>(slot_count_ / 8, 1))),
      slack_percent_(static_cast<uint64_t>(std::clamp(slack_percent, 0, 100))),
      slots_(static_cast<Slot*>(std::calloc(slot_count_, sizeof(Slot)))),
      bytes_(slot_count_ * sizeof(Slot)) {
  if (slots_ == nullptr && slot_count_ != 0) std::abort();  // As operator new would end it.
}

LruShard::~LruShard() { Clear(); }

CacheEntryRef LruShard::Lookup(const CacheKey& key, MonoTime now) {
  Removed removed;
  MutexLock lock(mutex_);
  const size_t slot = Find(key);
  if (slot == kNone) return nullptr;
  const CacheEntry* entry = slots_[slot].entry;
  if (!entry->FreshAt(now)) {
    Remove(slot, removed);
    ++expirations_;
    return nullptr;
  }
  Promote(entry);
  return CacheEntryRef(entry);
}

void LruShard::Insert(const CacheKey& key, CacheEntryRef entry, MonoTime now) {
  const size_t charge = entry->charge();
  if (charge > budget_bytes_ / kMaxEntryShare || max_entries_ == 0) return;
  if (!entry->FreshAt(now) || !IsAbout(*entry, key)) return;
  uint8_t not_linked = 0;
  const auto linked = static_cast<uint8_t>(CacheEntry::kLinked | key.flags());
  if (!entry->state_.compare_exchange_strong(not_linked, linked)) return;
  entry->hash_ = key.hash();

  Removed removed;
  MutexLock lock(mutex_);
  if (const size_t slot = Find(key); slot != kNone) Remove(slot, removed);
  while (bytes_ + charge > budget_bytes_ || entries_ >= max_entries_) EvictOne(now, removed);

  size_t slot = Home(key.hash());
  while (slots_[slot].entry != nullptr) slot = Next(slot);
  PushNewest(entry.get());
  bytes_ += charge;
  ++entries_;
  ++insertions_;
  slots_[slot] = {key.hash(), entry.Release()};
}

size_t LruShard::SweepExpired(MonoTime now, size_t max_slots) {
  Removed removed;
  MutexLock lock(mutex_);
  size_t count = 0;
  for (size_t left = std::min(max_slots, slot_count_); left > 0; --left) {
    // Closing the gap may bring another one into the same slot.
    while (slots_[sweep_slot_].entry != nullptr && !slots_[sweep_slot_].entry->FreshAt(now)) {
      Remove(sweep_slot_, removed);
      ++count;
    }
    sweep_slot_ = Next(sweep_slot_);
  }
  expirations_ += count;
  return count;
}

uint64_t LruShard::Clear() {
  Removed removed;
  MutexLock lock(mutex_);
  removed.AddList(newest_);
  newest_ = oldest_ = nullptr;
  bytes_ = slot_count_ * sizeof(Slot);
  std::fill_n(slots_.get(), slot_count_, Slot{});
  return std::exchange(entries_, 0);
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
  const auto linked = static_cast<uint8_t>(CacheEntry::kLinked | key.flags());
  for (size_t slot = Home(key.hash()); slots_[slot].entry != nullptr; slot = Next(slot)) {
    if (slots_[slot].hash != key.hash()) continue;
    const CacheEntry& entry = *slots_[slot].entry;
    if (entry.state_.load(std::memory_order_relaxed) == linked && IsAbout(entry, key)) return slot;
  }
  return kNone;
}

size_t LruShard::SlotOf(const CacheEntry* entry) const {
  size_t slot = Home(entry->hash_);
  while (slots_[slot].entry != entry) slot = Next(slot);
  return slot;
}

void LruShard::PushNewest(const CacheEntry* entry) {
  entry->sequence_ = ++sequence_;
  entry->newer_ = nullptr;
  entry->older_ = newest_;
  (newest_ != nullptr ? newest_->newer_ : oldest_) = entry;
  newest_ = entry;
}

void LruShard::Unlink(const CacheEntry* entry) {
  (entry->newer_ != nullptr ? entry->newer_->older_ : newest_) = entry->older_;
  (entry->older_ != nullptr ? entry->older_->newer_ : oldest_) = entry->newer_;
}

void LruShard::Promote(const CacheEntry* entry) {
  const uint32_t moves_since = sequence_ - entry->sequence_;
  if (uint64_t{moves_since} * 100 <= entries_ * slack_percent_) return;
  Unlink(entry);
  PushNewest(entry);
}

void LruShard::Remove(size_t slot, Removed& removed) {
  const CacheEntry* entry = slots_[slot].entry;
  Unlink(entry);
  CloseGap(slot);
  bytes_ -= entry->charge();
  --entries_;
  removed.Add(entry);
}

void LruShard::CloseGap(size_t slot) {
  size_t gap = slot;
  for (size_t next = Next(gap); slots_[next].entry != nullptr; next = Next(next)) {
    // An entry may move back only as far as its home.
    if (Distance(Home(slots_[next].hash), next) < Distance(gap, next)) continue;
    slots_[gap] = slots_[next];
    gap = next;
  }
  slots_[gap] = {};
}

void LruShard::EvictOne(MonoTime now, Removed& removed) {
  const CacheEntry* victim = oldest_;
  const CacheEntry* candidate = oldest_;
  for (int i = 0; i < kVictimScan && candidate != nullptr; ++i, candidate = candidate->newer_) {
    if (candidate->FreshAt(now)) continue;
    victim = candidate;
    break;
  }
  ++(victim->FreshAt(now) ? evictions_ : expirations_);
  Remove(SlotOf(victim), removed);
}

}  // namespace dotcache
