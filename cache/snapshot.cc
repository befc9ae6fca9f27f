// SPDX-License-Identifier: Apache-2.0
#include "cache/snapshot.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cache/snapshot_format.h"
#include "cache/ttl_policy.h"
#include "core/status_macros.h"
#include "dns/wire_cursor.h"

namespace dotcache {
namespace {

// A shard's lock is released after this many slots.
constexpr size_t kSlotsPerLock = 64;

// Collects entries to blocks and writes them.
class BlockWriter {
 public:
  BlockWriter(const SnapshotHeader& header, SnapshotSink sink) : header_(header), sink_(sink) {}

  absl::Status Begin() {
    Clear();
    return sink_(FormatSnapshotHeader(header_));
  }

  absl::Status Add(const SavedEntry& entry) {
    AppendSavedEntry(block_, entry);
    ++entries_;
    ++all_entries_;
    return block_.size() >= kBlockTarget ? Flush() : absl::OkStatus();
  }

  absl::Status End() {
    if (entries_ > 0) RETURN_IF_ERROR(Flush());
    entries_ = static_cast<uint32_t>(all_entries_);
    return Flush();
  }

  uint64_t all_entries() const { return all_entries_; }

 private:
  void Clear() {
    block_.assign(kBlockHeadSize, 0);
    entries_ = 0;
  }

  absl::Status Flush() {
    StoreU32(block_.data(), static_cast<uint32_t>(block_.size() - kBlockHeadSize));
    StoreU32(block_.data() + 4, entries_);
    const uint64_t sum = BlockSum(header_, number_++, block_);
    block_.resize(block_.size() + kBlockSumSize);
    uint8_t* end = block_.data() + block_.size();
    StoreU32(end - 8, static_cast<uint32_t>(sum >> 32));
    StoreU32(end - 4, static_cast<uint32_t>(sum));
    absl::Status status = sink_(block_);
    Clear();
    return status;
  }

  const SnapshotHeader header_;
  const SnapshotSink sink_;
  std::vector<uint8_t> block_;
  uint32_t entries_ = 0;
  uint64_t all_entries_ = 0;
  uint64_t number_ = 0;
};

// Reads the next block into `block`, with its head, and returns the number of its entries.
absl::StatusOr<uint32_t> ReadBlock(const SnapshotHeader& header, uint64_t number,
                                   SnapshotSource source, std::vector<uint8_t>& block) {
  block.resize(kBlockHeadSize);
  RETURN_IF_ERROR(source(absl::MakeSpan(block)));
  const size_t size = LoadU32(block.data());
  const uint32_t entries = LoadU32(block.data() + 4);
  if (size > kMaxBlockSize) return absl::DataLossError("the size of a block is wrong");
  block.resize(kBlockHeadSize + size + kBlockSumSize);
  RETURN_IF_ERROR(source(absl::MakeSpan(block).subspan(kBlockHeadSize)));
  const uint8_t* end = block.data() + block.size();
  const uint64_t sum = uint64_t{LoadU32(end - 8)} << 32 | LoadU32(end - 4);
  block.resize(block.size() - kBlockSumSize);
  if (sum != BlockSum(header, number, block)) return absl::DataLossError("a checksum is wrong");
  return entries;
}

}  // namespace

// The parts of a snapshot that use the shards.
class SnapshotAccess {
 public:
  static absl::Status WriteAll(const ResponseCache& cache, const SnapshotContext& context,
                               BlockWriter& writer) {
    CopiedEntries copies;
    absl::Status status;
    cache.shards_.Visit([&](const LruShard& shard) {
      if (status.ok()) status = WriteShard(shard, context, copies, writer);
    });
    return status;
  }

  SnapshotAccess(ResponseCache& cache, const SnapshotContext& context, const SnapshotHeader& header)
      : cache_(cache),
        context_(context),
        since_(std::max(Seconds{context.unix_seconds - header.unix_seconds}, Seconds{0})),
        same_zones_(context.all_zones == header.zones) {}

  // Returns false for an entry that is not valid.
  bool Store(const SavedEntry& saved) {
    const std::optional<ValidatedEntry> valid = ValidateSaved(saved);
    if (!valid.has_value()) return false;
    const ResponseFacts& facts = valid->facts;
    const bool other_zone = context_.zone_of(valid->question) != saved.zone;
    if (other_zone || (facts.has_alias && !same_zones_)) {
      ++counts_.other_zones;
      return true;
    }
    const CacheDecision decision = Decide(facts, cache_.options().ttl_caps);
    const Seconds fresh_for = std::min(decision.fresh_for, saved.fresh_for);
    const Seconds age = saved.age + since_;
    if (!decision.store || age >= fresh_for + cache_.options().stale_max_age) {
      ++counts_.expired;
      return true;
    }
    ++counts_.entries;
    Insert(saved, *valid, fresh_for, context_.now - age);
    return true;
  }

  const SnapshotCounts& counts() const { return counts_; }

 private:
  // `copies` is memory that the next shard uses again.
  static absl::Status WriteShard(const LruShard& shard, const SnapshotContext& context,
                                 CopiedEntries& copies, BlockWriter& writer) {
    size_t slot = 0;
    do {
      copies.clear();
      shard.Copy(context.now, kSlotsPerLock, slot, copies);
      for (const CopiedEntry& copy : copies) RETURN_IF_ERROR(Write(copy, context, writer));
    } while (slot != 0);
    return absl::OkStatus();
  }

  static absl::Status Write(const CopiedEntry& copy, const SnapshotContext& context,
                            BlockWriter& writer) {
    const CacheEntry& entry = *copy.entry;
    const Bytes wire = entry.view().wire;
    WireCursor cursor(wire, kHeaderSize, wire.size());
    Question question;
    question.qname = cursor.ReadName();
    question.qtype = static_cast<QType>(cursor.ReadU16());
    const bool for_all_types = question.qtype == QType::kNone;
    if (for_all_types) question.qtype = entry.denied_type();
    const auto age = std::chrono::ceil<Seconds>(context.now - entry.stored_at);
    return writer.Add({.key_flags = copy.key_flags,
                       .is_protected = copy.is_protected,
                       .for_all_types = for_all_types,
                       .zone = context.zone_of(question),
                       .fresh_for = entry.fresh_for(),
                       .age = std::max(age, Seconds{0}),  // Stored after the snapshot began.
                       .wire = wire,
                       .upstream_error = entry.upstream_error()});
  }

  void Insert(const SavedEntry& saved, const ValidatedEntry& valid, Seconds fresh_for,
              MonoTime stored_at) {
    const ResponseFacts& facts = valid.facts;
    const CacheKey exact(valid.question, (saved.key_flags & CacheKey::kDnssecOk) != 0,
                         (saved.key_flags & CacheKey::kCheckingDisabled) != 0, cache_.seed());
    const CacheKey key = saved.for_all_types ? exact.ForAllTypes() : exact;
    StoredMessage message = StoreResponse(valid.wire, facts, cache_.options().ttl_caps);
    if (saved.for_all_types) {
      StoreU16(message.wire.data(), static_cast<uint16_t>(valid.question.qtype));
      std::copy(key.question().begin(), key.question().end(), message.wire.begin() + kHeaderSize);
      cache_.denied_flags_.fetch_or(static_cast<uint8_t>(1 << key.flags()));
    }
    CacheEntryRef entry =
        MakeCacheEntry(message, {.kind = facts.kind, .upstream_error = saved.upstream_error},
                       stored_at, fresh_for);
    if (entry->has_data()) {
      cache_.positive_names_.Note(key.name_hash(), key.qtype(), context_.now);
    }
    LruShard& shard = cache_.shards_.Of(key);
    // At `stored_at` every entry is fresh.
    shard.Insert(key, std::move(entry), stored_at);
    if (!saved.is_protected) return;
    for (int hit = 0; hit < kHitsToBeProtected; ++hit) {
      shard.Lookup(key, stored_at, /*may_refresh=*/false);
    }
  }

  // An NXDOMAIN needs two hits (SegmentedLru).
  static constexpr int kHitsToBeProtected = 2;

  ResponseCache& cache_;
  const SnapshotContext& context_;
  const Seconds since_;  // The snapshot.
  const bool same_zones_;
  SnapshotCounts counts_;
};

namespace {

absl::StatusOr<SnapshotCounts> ReadInto(ResponseCache& cache, const SnapshotContext& context,
                                        Seconds max_age, SnapshotSource source) {
  std::vector<uint8_t> octets(SnapshotHeader::kSize);
  RETURN_IF_ERROR(source(absl::MakeSpan(octets)));
  ASSIGN_OR_RETURN(const SnapshotHeader header, ParseSnapshotHeader(octets));
  if (header.unix_seconds > context.unix_seconds) {
    return absl::FailedPreconditionError("it is from the future; was the clock set back?");
  }
  if (context.unix_seconds - header.unix_seconds > max_age.count()) {
    return absl::FailedPreconditionError(
        absl::StrCat("it is ", context.unix_seconds - header.unix_seconds,
                     " s old, and snapshot-max-age is ", max_age.count(), " s"));
  }
  SnapshotAccess access(cache, context, header);
  uint32_t all_entries = 0;
  for (uint64_t number = 0;; ++number) {
    ASSIGN_OR_RETURN(const uint32_t entries, ReadBlock(header, number, source, octets));
    size_t position = kBlockHeadSize;
    if (octets.size() == position) {
      if (entries != all_entries) return absl::DataLossError("entries are missing");
      return access.counts();
    }
    uint32_t read = 0;
    for (; position < octets.size(); ++read) {
      const std::optional<SavedEntry> entry = ReadSavedEntry(octets, position);
      if (!entry.has_value() || !access.Store(*entry)) {
        return absl::DataLossError("it has an entry that is not valid");
      }
    }
    if (read != entries) return absl::DataLossError("the number of entries is wrong");
    all_entries += entries;
  }
}

}  // namespace

absl::StatusOr<uint64_t> WriteSnapshot(const ResponseCache& cache, const SnapshotContext& context,
                                       SnapshotSink sink) {
  BlockWriter writer({context.unix_seconds, context.all_zones}, sink);
  RETURN_IF_ERROR(writer.Begin());
  RETURN_IF_ERROR(SnapshotAccess::WriteAll(cache, context, writer));
  RETURN_IF_ERROR(writer.End());
  return writer.all_entries();
}

absl::StatusOr<SnapshotCounts> ReadSnapshot(ResponseCache& cache, const SnapshotContext& context,
                                            Seconds max_age, SnapshotSource source) {
  absl::StatusOr<SnapshotCounts> counts = ReadInto(cache, context, max_age, source);
  if (!counts.ok()) cache.Clear();
  return counts;
}

}  // namespace dotcache
