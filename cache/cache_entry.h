// SPDX-License-Identifier: Apache-2.0
// A cached response.
#ifndef DOTCACHE_CACHE_CACHE_ENTRY_H_
#define DOTCACHE_CACHE_CACHE_ENTRY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "cache/entry_facts.h"
#include "cache/shard_state.h"
#include "core/clock.h"
#include "dns/reply.h"
#include "dns/response.h"

namespace dotcache {

class CacheEntryRef;

// A response in one allocation: this header, the TTL offsets, the message, an extended error. A
// failure (RFC 9520) is an entry of kind kServFail whose message is a header with the RCODE of the
// reply, and a question.
//
// All fields that a reply needs are constant, so workers share an entry without a lock. A reply is
// a copy of the message with new values at its TTL offsets. An entry lives as long as a
// CacheEntryRef points to it.
class CacheEntry {
 public:
  CacheEntry(const CacheEntry&) = delete;
  CacheEntry& operator=(const CacheEntry&) = delete;

  const MonoTime stored_at;
  const ResponseKind kind;
  // Of a failure: the number of failures since the last success, and the extended error of the
  // reply. An entry of data has its origin in the place of the latter.
  const uint8_t failures;
  const ExtendedErrorCode extended_error;

  bool is_failure() const { return kind == ResponseKind::kServFail; }
  bool has_data() const;  // The answer section is not empty.
  // Of an NXDOMAIN for all types: the type that was queried. It is in place of the message ID.
  QType denied_type() const;
  // Of a failure: the zone whose servers failed, and whether they answered other names at that
  // time. Both are in place of the message ID.
  size_t failed_zone() const;
  bool is_of_name() const;
  static constexpr uint16_t kOfName = 0x8000;
  // The extended error of the upstream server's response.
  std::optional<ExtendedError> upstream_error() const {
    return upstream_error_size_ == 0 ? std::nullopt : std::make_optional(ReadUpstreamError());
  }

  Seconds fresh_for() const { return Seconds{fresh_seconds_}; }
  MonoTime expires_at() const { return stored_at + fresh_for(); }
  bool FreshAt(MonoTime now) const { return now < expires_at(); }
  // Whole seconds since the entry was stored.
  Seconds AgeAt(MonoTime now) const { return std::chrono::duration_cast<Seconds>(now - stored_at); }
  // Valid as long as the entry.
  StoredView view() const {
    const auto* wire = reinterpret_cast<const uint8_t*>(offsets() + offset_count_);
    return {Bytes(wire, wire_size_), absl::MakeConstSpan(offsets(), offset_count_)};
  }
  // Octets that the entry takes from the heap: its size and the allocator's own header, rounded up
  // as glibc does.
  size_t charge() const;

  // At most one shard holds an entry, under a key with these CacheKey::flags(). Claim() returns
  // false while a shard holds the entry. Any thread may call these.
  bool Claim(uint8_t key_flags) const {
    uint8_t free = 0;
    return holder_.compare_exchange_strong(free, HeldUnder(key_flags));
  }
  bool ClaimedUnder(uint8_t key_flags) const {
    return holder_.load(std::memory_order_relaxed) == HeldUnder(key_flags);
  }
  void EndClaim() const { holder_.store(0, std::memory_order_release); }

 private:
  friend class CacheEntryRef;
  friend class SegmentedLru;
  friend CacheEntryRef MakeCacheEntry(const StoredView&, const EntryFacts&, MonoTime, Seconds);

  CacheEntry(const StoredView& message, const EntryFacts& facts, MonoTime stored,
             uint32_t fresh_seconds);
  ~CacheEntry() = default;

  ExtendedError ReadUpstreamError() const;
  static uint8_t HeldUnder(uint8_t key_flags) { return 0x80 | key_flags; }
  const uint16_t* offsets() const { return reinterpret_cast<const uint16_t*>(this + 1); }

  const uint16_t wire_size_;
  const uint16_t upstream_error_size_;  // INFO-CODE and EXTRA-TEXT behind the message. 0: none.
  const uint32_t fresh_seconds_;
  mutable std::atomic<uint32_t> references_{0};
  [[no_unique_address]] mutable ShardState shard_state_;  // The next fields fill its padding.
  mutable std::atomic<uint8_t> holder_{0};
  const uint16_t offset_count_;
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
  friend class RemovedEntries;
  friend CacheEntryRef MakeCacheEntry(const StoredView&, const EntryFacts&, MonoTime, Seconds);

  explicit CacheEntryRef(const CacheEntry* entry) : entry_(entry) {
    if (entry != nullptr) entry->references_.fetch_add(1, std::memory_order_relaxed);
  }

  // Gives up one reference. The last one frees the entry.
  static void Drop(const CacheEntry* entry);
  // Hands the reference over to the caller, which ends it with Drop().
  const CacheEntry* Release() { return std::exchange(entry_, nullptr); }

  const CacheEntry* entry_ = nullptr;
};

// Copies `message` into a new entry that is fresh for `fresh_for`, at most for kMaxFreshFor.
// REQUIRES: `message` holds at most 65,535 octets, as a result of StoreResponse() does.
inline constexpr Seconds kMaxFreshFor{std::chrono::hours(24 * 14)};
CacheEntryRef MakeCacheEntry(const StoredView& message, const EntryFacts& facts, MonoTime stored_at,
                             Seconds fresh_for);
CacheEntryRef MakeCacheEntry(const StoredMessage& message, const EntryFacts& facts,
                             MonoTime stored_at, Seconds fresh_for);

}  // namespace dotcache

#endif  // DOTCACHE_CACHE_CACHE_ENTRY_H_
