// SPDX-License-Identifier: Apache-2.0
#include "cache/snapshot_format.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "cache/cache_key.h"
#include "core/siphash.h"
#include "dns/extra_text.h"
#include "dns/message_header.h"
#include "dns/wire_cursor.h"

namespace dotcache {
namespace {

constexpr absl::string_view kMagic = "DOTCACHE";
constexpr size_t kHeaderSumAt = SnapshotHeader::kSize - 8;
constexpr uint8_t kProtectedBit = 1;
constexpr uint8_t kForAllTypesBit = 2;
constexpr size_t kInfoCodeSize = 2;
constexpr HashSeed kSumKey = {0x736e617073686f74, 0x646f746361636865};

void AppendU16(std::vector<uint8_t>& out, uint16_t value) {
  out.resize(out.size() + 2);
  StoreU16(&out[out.size() - 2], value);
}

void AppendU32(std::vector<uint8_t>& out, uint32_t value) {
  out.resize(out.size() + 4);
  StoreU32(&out[out.size() - 4], value);
}

void AppendU64(std::vector<uint8_t>& out, uint64_t value) {
  AppendU32(out, static_cast<uint32_t>(value >> 32));
  AppendU32(out, static_cast<uint32_t>(value));
}

uint64_t ReadU64(WireCursor& cursor) {
  const uint64_t high = cursor.ReadU32();
  return high << 32 | cursor.ReadU32();
}

uint32_t ToU32(Seconds seconds) {
  return static_cast<uint32_t>(std::clamp<int64_t>(seconds.count(), 0, UINT32_MAX));
}

uint64_t HeaderSum(Bytes octets) { return SipHash13(kSumKey, octets.first(kHeaderSumAt)); }

bool IsKept(ResponseKind kind) {
  return kind == ResponseKind::kAnswer || kind == ResponseKind::kNoData ||
         kind == ResponseKind::kNxDomain;
}

}  // namespace

std::vector<uint8_t> FormatSnapshotHeader(const SnapshotHeader& header) {
  std::vector<uint8_t> octets(kMagic.begin(), kMagic.end());
  AppendU32(octets, SnapshotHeader::kVersion);
  AppendU64(octets, static_cast<uint64_t>(header.unix_seconds));
  AppendU64(octets, header.zones);
  octets.resize(SnapshotHeader::kSize);
  const uint64_t sum = HeaderSum(octets);
  StoreU32(&octets[kHeaderSumAt], static_cast<uint32_t>(sum >> 32));
  StoreU32(&octets[kHeaderSumAt + 4], static_cast<uint32_t>(sum));
  return octets;
}

absl::StatusOr<SnapshotHeader> ParseSnapshotHeader(Bytes octets) {
  WireCursor cursor(octets);
  const Bytes magic = cursor.ReadBytes(kMagic.size());
  if (!std::equal(magic.begin(), magic.end(), kMagic.begin(), kMagic.end())) {
    return absl::InvalidArgumentError("it is no snapshot of dotcache");
  }
  const uint32_t version = cursor.ReadU32();
  if (version != SnapshotHeader::kVersion) {
    return absl::InvalidArgumentError(absl::StrCat(
        "its version is ", version, ", and this program reads version ", SnapshotHeader::kVersion));
  }
  SnapshotHeader header;
  header.unix_seconds = static_cast<int64_t>(ReadU64(cursor));
  header.zones = ReadU64(cursor);
  if (ReadU64(cursor) != HeaderSum(octets) || !cursor.AtEnd()) {
    return absl::DataLossError("its header is damaged");
  }
  return header;
}

void AppendSavedEntry(std::vector<uint8_t>& block, const SavedEntry& entry) {
  AppendU16(block, static_cast<uint16_t>(entry.wire.size()));
  block.push_back(entry.key_flags);
  block.push_back(static_cast<uint8_t>((entry.is_protected ? kProtectedBit : 0) |
                                       (entry.for_all_types ? kForAllTypesBit : 0)));
  AppendU32(block, entry.zone);
  AppendU32(block, ToU32(entry.fresh_for));
  AppendU32(block, ToU32(entry.age));
  const std::optional<ExtendedError>& error = entry.upstream_error;
  AppendU16(block, static_cast<uint16_t>(error ? kInfoCodeSize + error->text.size() : 0));
  block.insert(block.end(), entry.wire.begin(), entry.wire.end());
  if (!error) return;
  AppendU16(block, static_cast<uint16_t>(error->code));
  block.insert(block.end(), error->text.begin(), error->text.end());
}

std::optional<SavedEntry> ReadSavedEntry(Bytes block, size_t& position) {
  WireCursor cursor(block, position, block.size());
  SavedEntry entry;
  const size_t wire_size = cursor.ReadU16();
  entry.key_flags = cursor.ReadU8();
  const uint8_t bits = cursor.ReadU8();
  entry.is_protected = (bits & kProtectedBit) != 0;
  entry.for_all_types = (bits & kForAllTypesBit) != 0;
  entry.zone = cursor.ReadU32();
  entry.fresh_for = Seconds{cursor.ReadU32()};
  entry.age = Seconds{cursor.ReadU32()};
  const size_t error_size = cursor.ReadU16();
  entry.wire = cursor.ReadBytes(wire_size);
  if (error_size != 0) {
    const auto code = static_cast<ExtendedErrorCode>(cursor.ReadU16());
    if (error_size < kInfoCodeSize) return std::nullopt;
    const Bytes octets = cursor.ReadBytes(error_size - kInfoCodeSize);
    std::string text = CleanExtraText(octets);
    if (text.size() != octets.size()) return std::nullopt;
    entry.upstream_error = ExtendedError{code, std::move(text)};
  }
  if (!cursor.ok() || entry.key_flags > CacheKey::kMaxFlags) return std::nullopt;
  if ((bits & ~(kProtectedBit | kForAllTypesBit)) != 0) return std::nullopt;
  position = cursor.position();
  return entry;
}

uint64_t BlockSum(const SnapshotHeader& header, uint64_t number, Bytes head_and_entries) {
  const std::vector<uint8_t> first = FormatSnapshotHeader(header);
  return SipHash13({number, SipHash13(kSumKey, first)}, head_and_entries);
}

std::optional<ValidatedEntry> ValidateSaved(const SavedEntry& entry) {
  ValidatedEntry result;
  result.wire.assign(entry.wire.begin(), entry.wire.end());
  WireCursor cursor(result.wire, kHeaderSize, result.wire.size());
  const DomainName name = cursor.ReadName();
  const size_t qtype_at = cursor.position();
  auto qtype = static_cast<QType>(cursor.ReadU16());
  const auto qclass = static_cast<QClass>(cursor.ReadU16());
  if (!cursor.ok() || qclass != QClass::kIn) return std::nullopt;
  if (entry.for_all_types) {
    if (qtype != QType::kNone) return std::nullopt;
    qtype = static_cast<QType>(LoadHeader(result.wire).id);
    StoreU16(&result.wire[qtype_at], static_cast<uint16_t>(qtype));
  }
  StoreU16(result.wire.data(), 0);
  if (qtype == QType::kNone) return std::nullopt;
  result.question = {name.Canonical(), qtype, qclass};
  std::variant<ResponseFacts, ResponseDefect> inspected =
      InspectResponse(result.wire, result.question);
  if (!std::holds_alternative<ResponseFacts>(inspected)) return std::nullopt;
  result.facts = std::get<ResponseFacts>(std::move(inspected));
  const ResponseFacts& facts = result.facts;
  if (!IsKept(facts.kind) || facts.truncated) return std::nullopt;
  if (!entry.for_all_types) return result;
  // As ResponseCache::Store() decides.
  const bool denies_name = facts.kind == ResponseKind::kNxDomain && facts.kept_ancount == 0;
  if (!denies_name || qtype == QType::kDs) return std::nullopt;
  return result;
}

}  // namespace dotcache
