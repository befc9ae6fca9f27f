// SPDX-License-Identifier: Apache-2.0
#include "cache/cache_entry.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <new>
#include <string>

#include "dns/extra_text.h"
#include "dns/message_header.h"

namespace dotcache {
namespace {

// The octets that glibc's malloc takes for `size`: a size word in front, rounded up to a multiple
// of 16, at least 32.
constexpr size_t HeapSize(size_t size) {
  constexpr size_t kSizeWord = sizeof(size_t);
  constexpr size_t kAlignment = 2 * sizeof(size_t);
  const size_t rounded = (size + kSizeWord + kAlignment - 1) / kAlignment * kAlignment;
  return rounded < 2 * kAlignment ? 2 * kAlignment : rounded;
}

static_assert(sizeof(CacheEntry) == 56,
              "An entry with a 62-octet answer and one TTL takes 128 octets");

constexpr size_t kInfoCodeSize = 2;

size_t ErrorSize(const std::optional<ExtendedError>& error) {
  return error.has_value() ? kInfoCodeSize + std::min(error->text.size(), kMaxExtraText) : 0;
}

constexpr size_t EntrySize(size_t wire_size, size_t offset_count, size_t error_size) {
  return sizeof(CacheEntry) + offset_count * sizeof(uint16_t) + wire_size + error_size;
}

}  // namespace

CacheEntry::CacheEntry(const StoredView& message, const EntryFacts& facts, MonoTime stored,
                       uint32_t fresh_seconds)
    : stored_at(stored),
      kind(facts.kind),
      failures(facts.failures),
      extended_error(facts.kind == ResponseKind::kServFail
                         ? facts.extended_error
                         : static_cast<ExtendedErrorCode>(facts.origin)),
      wire_size_(static_cast<uint16_t>(message.wire.size())),
      upstream_error_size_(static_cast<uint16_t>(ErrorSize(facts.upstream_error))),
      fresh_seconds_(fresh_seconds),
      offset_count_(static_cast<uint16_t>(message.ttl_offsets.size())) {}

bool CacheEntry::has_data() const {
  return kind == ResponseKind::kAnswer || LoadHeader(view().wire).ancount > 0;
}

QType CacheEntry::denied_type() const { return static_cast<QType>(LoadHeader(view().wire).id); }

size_t CacheEntry::failed_zone() const { return LoadHeader(view().wire).id & ~kOfName; }

bool CacheEntry::is_of_name() const { return (LoadHeader(view().wire).id & kOfName) != 0; }

size_t CacheEntry::charge() const {
  return HeapSize(EntrySize(wire_size_, offset_count_, upstream_error_size_));
}

ExtendedError CacheEntry::ReadUpstreamError() const {
  const uint8_t* code = view().wire.end();
  const auto* text = reinterpret_cast<const char*>(code + kInfoCodeSize);
  return {static_cast<ExtendedErrorCode>(LoadU16(code)),
          std::string(text, upstream_error_size_ - kInfoCodeSize)};
}

void CacheEntryRef::Drop(const CacheEntry* entry) {
  // The last owner must see all changes that the other owners made before they dropped their
  // references.
  if (entry->references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  entry->~CacheEntry();
  ::operator delete(const_cast<CacheEntry*>(entry));
}

CacheEntryRef MakeCacheEntry(const StoredView& message, const EntryFacts& facts, MonoTime stored_at,
                             Seconds fresh_for) {
  assert(message.wire.size() <= kMaxMessageSize);
  const size_t wire_size = message.wire.size();
  const size_t offsets_size = message.ttl_offsets.size() * sizeof(uint16_t);
  const Seconds kept = std::clamp(fresh_for, Seconds{0}, kMaxFreshFor);
  const size_t error_size = ErrorSize(facts.upstream_error);
  void* memory = ::operator new(EntrySize(wire_size, message.ttl_offsets.size(), error_size));
  auto* entry =
      new (memory) CacheEntry(message, facts, stored_at, static_cast<uint32_t>(kept.count()));
  auto* tail = reinterpret_cast<uint8_t*>(entry + 1);
  // Spans may be empty with a null pointer, which memcpy does not allow.
  if (offsets_size != 0) std::memcpy(tail, message.ttl_offsets.data(), offsets_size);
  if (wire_size != 0) std::memcpy(tail + offsets_size, message.wire.data(), wire_size);
  if (error_size != 0) {
    uint8_t* code = tail + offsets_size + wire_size;
    StoreU16(code, static_cast<uint16_t>(facts.upstream_error->code));
    facts.upstream_error->text.copy(reinterpret_cast<char*>(code + kInfoCodeSize),
                                    error_size - kInfoCodeSize);
  }
  return CacheEntryRef(entry);
}

CacheEntryRef MakeCacheEntry(const StoredMessage& message, const EntryFacts& facts,
                             MonoTime stored_at, Seconds fresh_for) {
  return MakeCacheEntry(StoredView{message.wire, message.ttl_offsets}, facts, stored_at, fresh_for);
}

}  // namespace dotcache
