// SPDX-License-Identifier: Apache-2.0
#include "cache/response_cache.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "absl/algorithm/container.h"
#include "cache/entry_reading.h"
#include "cache/ttl_policy.h"
#include "core/test_delay.h"
#include "dns/message_header.h"

namespace dotcache {
namespace {

// An answer to another name within this time shows that the zone's servers work.
constexpr Duration kAnsweredLately = Seconds(5);

// A sweep releases a shard's lock after this many slots.
constexpr size_t kSweepSlotsPerLock = 64;

// A flush releases a shard's lock after this many slots and entries. Each takes a fetch from
// memory, and an entry also the closing of its gap: some microseconds together.
constexpr size_t kEraseStepsPerLock = 64;
constexpr int kMaxErasePasses = 4;

// The types whose data is looked for before a name is denied for all types.
constexpr QType kCommonTypes[] = {QType::kA, QType::kAaaa, QType::kHttps, QType::kMx};

}  // namespace

ResponseCache::ResponseCache(const CacheOptions& options, const HashSeed& seed)
    : options_(options),
      ttl_caps_(options.ttl_caps),
      seed_(seed),
      shards_(options),
      positive_names_(options.budget_bytes) {}

CacheOptions ResponseCache::options() const {
  CacheOptions options = options_;
  options.budget_bytes = shards_.budget_bytes();
  options.ttl_caps = ttl_caps_.Get();
  return options;
}

void ResponseCache::Use(const CacheOptions& options, MonoTime now) {
  ttl_caps_.Set(options.ttl_caps);
  if (options.budget_bytes != shards_.budget_bytes()) shards_.Resize(options.budget_bytes, now);
}

Found ResponseCache::Lookup(const CacheKey& key, MonoTime now, bool may_refresh) {
  Found found = shards_.Of(key).Lookup(key, now, may_refresh);
  if (found.state == Found::State::kFresh || !key.SharesDenials()) return found;
  return LookupAllTypes(key, std::move(found), now, may_refresh);
}

Found ResponseCache::LookupAllTypes(const CacheKey& key, Found exact, MonoTime now,
                                    bool may_refresh) {
  const CacheKey all_types = key.ForAllTypes();
  Found denial = shards_.Of(all_types).Lookup(all_types, now, may_refresh);
  if (!DenialCounts(exact.entry, denial.entry, now)) return exact;
  denial.for_all_types = true;
  return denial;
}

CacheEntryRef ResponseCache::Store(const CacheKey& key, Bytes response, const ResponseFacts& facts,
                                   MonoTime now) {
  TestDelay(Seam::kCacheInsert);
  const TtlCaps caps = ttl_caps_.Get();
  const CacheDecision decision = Decide(facts, caps);
  StoredMessage message = StoreResponse(response, facts, caps);
  // After an alias in the answer section, the missing name is the alias' target, not the QNAME.
  const bool denies_name = facts.kind == ResponseKind::kNxDomain && facts.kept_ancount == 0 &&
                           key.SharesDenials() &&
                           message.wire.size() >= kHeaderSize + key.question().size();
  const bool for_all_types = denies_name && !HasOtherData(key, now);
  const CacheKey all_types = key.ForAllTypes();
  if (for_all_types) {
    const auto bit = static_cast<uint8_t>(1 << key.flags());
    if ((denied_flags_.load() & bit) == 0) denied_flags_.fetch_or(bit);
    StoreU16(message.wire.data(), static_cast<uint16_t>(key.qtype()));
    absl::c_copy(all_types.question(), message.wire.begin() + kHeaderSize);
  }
  CacheEntryRef entry = MakeCacheEntry(
      message, {.kind = facts.kind, .origin = facts.origin, .upstream_error = facts.extended_error},
      now, decision.fresh_for);
  // A response removes older data, even when it is not stored itself.
  const CacheKey& place = for_all_types ? all_types : key;
  const CacheKey& other = for_all_types ? key : all_types;
  if (entry->has_data()) {
    NoteData(key, now);
  } else if (key.SharesDenials()) {
    shards_.Of(other).Take(other);
  }
  if (decision.store) {
    shards_.Of(place).Insert(place, entry, now);
  } else {
    shards_.Of(place).Take(place);
  }
  // After the insertion, because another worker may store data meanwhile. See NoteData().
  if (for_all_types && positive_names_.HadOtherThan(key.name_hash(), key.qtype(), now)) {
    LimitDenialToItsType(all_types, now);
  }
  return entry;
}

bool ResponseCache::HasOtherData(const CacheKey& key, MonoTime now) {
  return absl::c_any_of(kCommonTypes, [&](QType type) {
    if (type == key.qtype()) return false;
    const CacheKey other = key.With(type, key.flags());
    return shards_.Of(other).HasData(other, now);
  });
}

// An NXDOMAIN for all types does not stand against data, whatever DO and CD the two queries had.
void ResponseCache::NoteData(const CacheKey& key, MonoTime now) {
  // Noted before the search, so that a worker that stores an NXDOMAIN meanwhile finds the note.
  positive_names_.Note(key.name_hash(), key.qtype(), now);
  const uint8_t denied_flags = denied_flags_.load();
  for (uint8_t flags = 0; flags <= CacheKey::kMaxFlags; ++flags) {
    if ((denied_flags >> flags & 1) == 0) continue;
    LimitDenialToItsType(key.With(QType::kNone, flags), now);
  }
}

// Turns an NXDOMAIN for all types into one for the type that was queried. If it has expired, or is
// about the type that has data now, it is removed.
void ResponseCache::LimitDenialToItsType(const CacheKey& all_types, MonoTime now) {
  const CacheEntryRef denial = shards_.Of(all_types).Take(all_types);
  if (!denial || !denial->FreshAt(now)) return;
  const CacheKey key = all_types.With(denial->denied_type(), all_types.flags());
  const StoredView view = denial->view();
  WireMessage wire(view.wire.begin(), view.wire.end());
  StoreU16(wire.data(), 0);
  absl::c_copy(key.question(), wire.begin() + kHeaderSize);
  shards_.Of(key).Insert(key,
                         MakeCacheEntry(StoredView{wire, view.ttl_offsets},
                                        {.kind = denial->kind,
                                         .origin = EntryOrigin(*denial),
                                         .upstream_error = denial->upstream_error()},
                                        denial->stored_at, denial->fresh_for()),
                         now);
}

CacheEntryRef ResponseCache::NoteFailure(const CacheKey& key, const Failure& failure,
                                         MonoTime now) {
  CacheEntryRef known = KnownAfterFailure(key, now);
  if (known && !known->is_failure()) return known;
  // Other names were answered after the last failure, so this one was tried anew.
  const bool tried_anew = known && known->stored_at < failure.other_answered;
  // Another worker recorded the same failure.
  if (known && known->FreshAt(now) && !tried_anew) return nullptr;
  const bool of_name = tried_anew && now - failure.other_answered <= kAnsweredLately;
  const int before = known ? known->failures : 0;
  const int failures = std::min(before + (failure.grows ? 1 : 0), 255);
  const Seconds ttl = FailureTtl(failure.grows ? failures : 1, options_);
  uint8_t octets[kHeaderSize + kMaxNameSize + 4] = {};
  StoreU16(octets, static_cast<uint16_t>(failure.zone | (of_name ? CacheEntry::kOfName : 0)));
  StoreU16(octets + 2, static_cast<uint16_t>(failure.rcode));
  StoreU16(octets + kHeaderSize - 2, failure.cause);
  absl::c_copy(key.question(), octets + kHeaderSize);
  const Bytes wire(octets, kHeaderSize + key.question().size());
  const EntryFacts facts = {.kind = ResponseKind::kServFail,
                            .failures = static_cast<uint8_t>(failures),
                            .extended_error = failure.extended_error,
                            .upstream_error = failure.upstream_error};
  Insert(key, MakeCacheEntry(StoredView{wire, {}}, facts, now, ttl), now);
  return nullptr;
}

// Records the failure with both entries that Lookup() chooses from, and chooses as Lookup() does.
// The result may be an earlier failure.
CacheEntryRef ResponseCache::KnownAfterFailure(const CacheKey& key, MonoTime now) {
  CacheEntryRef exact = shards_.Of(key).NoteFailure(key, now);
  if (!key.SharesDenials()) return exact;
  const CacheKey all_types = key.ForAllTypes();
  CacheEntryRef denial = shards_.Of(all_types).NoteFailure(all_types, now);
  return DenialCounts(exact, denial, now) ? denial : exact;
}

CacheEntryRef ResponseCache::NoteSlowRefresh(const CacheKey& key, MonoTime now) {
  CacheEntryRef known = KnownAfterFailure(key, now);
  return known && !known->is_failure() ? known : nullptr;
}

void ResponseCache::Insert(const CacheKey& key, CacheEntryRef entry, MonoTime now) {
  shards_.Of(key).Insert(key, std::move(entry), now);
}

void ResponseCache::InsertPart(const CacheKey& key, CacheEntryRef part, MonoTime now) {
  has_parts_.store(true, std::memory_order_relaxed);
  NoteData(key, now);
  Insert(key.ForPart(), std::move(part), now);
}

CacheEntryRef ResponseCache::FindPart(const CacheKey& key, MonoTime now) {
  if (!has_parts_.load(std::memory_order_relaxed)) return nullptr;
  const CacheKey place = key.ForPart();
  Found found = shards_.Of(place).Lookup(place, now, /*may_refresh=*/false);
  return found.state == Found::State::kFresh ? std::move(found.entry) : nullptr;
}

size_t ResponseCache::SweepExpired(MonoTime now, size_t max_slots) {
  size_t removed = 0;
  for (size_t left = max_slots; left > 0;) {
    const size_t step = std::min(left, kSweepSlotsPerLock);
    const size_t turn = sweep_shard_.fetch_add(1, std::memory_order_relaxed);
    removed += shards_.AtTurn(turn).SweepExpired(now, step);
    left -= step;
  }
  return removed;
}

uint64_t ResponseCache::Erase(const DomainName& name, QType qtype, bool below) {
  if (qtype == QType::kNone) return EraseNames(name.wire(), below);
  assert(!below);
  uint64_t removed = 0;
  const CacheKey key({name, qtype, QClass::kIn}, false, false, seed_);
  for (uint8_t flags = 0; flags <= CacheKey::kMaxFlags; ++flags) {
    for (const QType type : {qtype, QType::kNone}) {
      const CacheKey each = key.With(type, flags);
      if (shards_.Of(each).Take(each)) ++removed;
    }
  }
  return removed;
}

// Between two steps, another thread may remove an entry and so move one back to a slot that was
// examined. The table is therefore examined until nothing is found, a few times at most.
uint64_t ResponseCache::EraseNames(Bytes qname, bool below) {
  uint64_t removed = 0;
  shards_.Visit([&](LruShard& shard) {
    for (int pass = 0; pass < kMaxErasePasses; ++pass) {
      uint64_t found = 0;
      size_t slot = 0;
      while (slot != LruShard::kEnd) {
        found += shard.EraseNames(qname, below, kEraseStepsPerLock, slot);
      }
      removed += found;
      if (found == 0) break;
    }
  });
  return removed;
}

Peeked ResponseCache::Peek(const CacheKey& key) const { return shards_.Of(key).Peek(key); }

uint64_t ResponseCache::Clear() { return EraseNames(DomainName().wire(), /*below=*/true); }

CacheStats ResponseCache::Stats() const {
  CacheStats stats;
  for (const LruShard* shard : shards_.All()) shard->AddTo(stats);
  return stats;
}

}  // namespace dotcache
