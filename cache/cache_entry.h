// SPDX-License-Identifier: Apache-2.0
// A cached response.
#ifndef DOTCACHE_CACHE_CACHE_ENTRY_H_
#define DOTCACHE_CACHE_CACHE_ENTRY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "core/clock.h"
#include "dns/reply.h"
#include "dns/response.h"

namespace dotcache {

class CacheEntryRef;

// What an entry says of its message.
struct EntryFacts {
  ResponseKind kind = ResponseKind::kAnswer;
  Rcode rcode = Rcode::kNoError;
  uint8_t failures = 0;
  ExtendedErrorCode extended_error = ExtendedErrorCode::kOther;
};

// A response with its TTL offsets, in one allocation: this header, the offsets, the message. What
// is public never changes, hence workers share it without a lock; a reply is a copy of the message
// with a few stores at its TTL offsets. The private part places the entry in one LruShard, says how
// it was used, and belongs to that shard's lock. Lives as long as a CacheEntryRef points to it.
//
// Or the memory of a failure (RFC 9520): a message of header and question, of kind kServFail.
class CacheEntry {
 public:
  CacheEntry(const CacheEntry&) = delete;
  CacheEntry& operator=(const CacheEntry&) = delete;

  const MonoTime stored_at;
  const Rcode rcode;
  const ResponseKind kind;
  // Of a failure: how many there were without a success between, and the extended error that the
  // first client was told.
  const uint8_t failures;
  const ExtendedErrorCode extended_error;

  bool is_failure() const { return kind == ResponseKind::kServFail; }

  MonoTime expires_at() const { return stored_at + Seconds{fresh_seconds_}; }

  // Valid as long as the entry.
  StoredView view() const {
    const auto* wire = reinterpret_cast<const uint8_t*>(offsets() + offset_count_);
    return {Bytes(wire, wire_size_), absl::MakeConstSpan(offsets(), offset_count_)};
  }

  // Whole seconds since the entry was stored.
  Seconds AgeAt(MonoTime now) const { return std::chrono::duration_cast<Seconds>(now - stored_at); }

  bool FreshAt(MonoTime now) const { return now < expires_at(); }

  // Octets that the entry takes from the heap: its size and the allocator's own header, rounded up
  // as glibc does.
  size_t charge() const;

 private:
  friend class CacheEntryRef;
  friend class LruShard;
  friend class SegmentedLru;
  friend CacheEntryRef MakeCacheEntry(const StoredView&, const EntryFacts&, MonoTime, Seconds);

  // Set in `state_` while a shard holds the entry, beside the key's octet with DO and CD.
  static constexpr uint8_t kLinked = 0x80;
  static constexpr uint32_t kNever = UINT32_MAX;

  CacheEntry(const StoredView& message, const EntryFacts& facts, MonoTime stored,
             uint32_t fresh_seconds);
  ~CacheEntry() = default;

  const uint16_t* offsets() const { return reinterpret_cast<const uint16_t*>(this + 1); }

  bool AgeReached(MonoTime now, uint32_t age_ms) const {
    return now - stored_at >= Milliseconds{age_ms};
  }

  mutable std::atomic<uint8_t> state_{0};
  mutable uint8_t hits_ : 2 = 0;            // Since it was stored; 3 stands for more.
  mutable uint8_t protected_ : 1 = 0;       // In that segment of the LRU.
  mutable uint8_t refresh_failed_ : 1 = 0;  // So that until `refresh_at_ms_` nobody tries again.
  const uint16_t wire_size_;
  const uint16_t offset_count_;
  const uint32_t fresh_seconds_;
  mutable std::atomic<uint32_t> references_{0};
  mutable uint32_t refresh_at_ms_ = kNever;  // The age from which a hit begins a refresh.
  mutable uint32_t sequence_ = 0;  // The segment's count of moves when this one became the newest.
  mutable uint32_t hash_ = 0;      // Of the key, its lower half.
  mutable const CacheEntry* newer_ = nullptr;
  mutable const CacheEntry* older_ = nullptr;
};

// A counted pointer to an immutable entry, or null. Copy and destroy on any thread.
class CacheEntryRef {
 public:
  CacheEntryRef() = default;
  CacheEntryRef(std::nullptr_t) {}  // NOLINT(google-explicit-constructor): as smart pointers do.
  CacheEntryRef(const CacheEntryRef& other) : CacheEntryRef(other.entry_) {}
  CacheEntryRef(CacheEntryRef&& other) noexcept : entry_(std::exchange(other.entry_, nullptr)) {}
  CacheEntryRef& operator=(CacheEntryRef other) noexcept {
    std::swap(entry_, other.entry_);
    return *this;
  }
  ~CacheEntryRef() {
    if (entry_ != nullptr) Drop(entry_);
  }

  const CacheEntry* get() const { return entry_; }
  const CacheEntry* operator->() const { return entry_; }
  const CacheEntry& operator*() const { return *entry_; }
  explicit operator bool() const { return entry_ != nullptr; }
  friend bool operator==(const CacheEntryRef& a, const CacheEntryRef& b) = default;

 private:
  friend class LruShard;
  friend CacheEntryRef MakeCacheEntry(const StoredView&, const EntryFacts&, MonoTime, Seconds);

  explicit CacheEntryRef(const CacheEntry* entry) : entry_(entry) {
    if (entry != nullptr) entry->references_.fetch_add(1, std::memory_order_relaxed);
  }

  // Gives up one reference; the last one frees.
  static void Drop(const CacheEntry* entry);

  // Hands the reference over to the caller, who ends it with Drop().
  const CacheEntry* Release() { return std::exchange(entry_, nullptr); }

  const CacheEntry* entry_ = nullptr;
};

// Copies `message` into a new entry that is fresh for `fresh_for`; at most kMaxFreshFor is kept.
// REQUIRES: the message comes from StoreResponse(), hence holds at most 65,535 octets.
inline constexpr Seconds kMaxFreshFor{std::chrono::hours(24 * 14)};
CacheEntryRef MakeCacheEntry(const StoredView& message, const EntryFacts& facts, MonoTime stored_at,
                             Seconds fresh_for);

CacheEntryRef MakeCacheEntry(const StoredMessage& message, const EntryFacts& facts,
                             MonoTime stored_at, Seconds fresh_for);

}  // namespace dotcache

#endif  // DOTCACHE_CACHE_CACHE_ENTRY_H_
