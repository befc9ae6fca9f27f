// SPDX-License-Identifier: Apache-2.0
// The octets of a snapshot: the entries of the cache in a file.
//
// All numbers are big-endian.
//
//   header   "DOTCACHE", version (4), time (8: seconds since 1970), zones (8), checksum (8)
//   block    size (4), number of entries (4), entries, checksum (8)
//   ...
//   end      size 0 (4), the low half of the number of all entries (4), checksum (8)
//
// A block's checksum includes the header's checksum and the block's number, so blocks of another
// file, in another order, or lost ones are noticed. It notices damage, but no forgery: the file
// belongs to the user of the process.
#ifndef DOTCACHE_CACHE_SNAPSHOT_FORMAT_H_
#define DOTCACHE_CACHE_SNAPSHOT_FORMAT_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/bytes.h"
#include "core/clock.h"
#include "dns/edns.h"
#include "dns/question.h"
#include "dns/response.h"

namespace dotcache {

struct SnapshotHeader {
  static constexpr uint32_t kVersion = 1;
  static constexpr size_t kSize = 36;

  int64_t unix_seconds = 0;  // When the snapshot began.
  uint64_t zones = 0;        // A hash of all zones and their servers.
};

// The size of a block's head, and of the checksum at its end.
inline constexpr size_t kBlockHeadSize = 8;
inline constexpr size_t kBlockSumSize = 8;
// A block is complete at this size, before its last entry.
inline constexpr size_t kBlockTarget = size_t{256} << 10;
// No block is larger: its last entry may begin just below kBlockTarget.
inline constexpr size_t kMaxBlockSize = kBlockTarget + 2 * kMaxMessageSize;

// One entry as it is in the file.
struct SavedEntry {
  uint8_t key_flags = 0;  // DO and CD: CacheKey::flags().
  bool is_protected = false;
  // An NXDOMAIN for all types of the name. QTYPE is 0, and the message ID is the denied type.
  bool for_all_types = false;
  uint32_t zone = 0;  // A hash of the zone's name and its servers.
  Seconds fresh_for{0};
  Seconds age{0};   // When the snapshot began.
  Bytes wire = {};  // The message as CacheEntry holds it.
  std::optional<ExtendedError> upstream_error = std::nullopt;
};

std::vector<uint8_t> FormatSnapshotHeader(const SnapshotHeader& header);
// Fails for another magic number, version or checksum. `octets` has SnapshotHeader::kSize octets.
absl::StatusOr<SnapshotHeader> ParseSnapshotHeader(Bytes octets);

// Appends the entry to the octets of a block.
void AppendSavedEntry(std::vector<uint8_t>& block, const SavedEntry& entry);

// Reads the entry at `position` and moves it to the next entry. Returns std::nullopt if it is
// malformed. The message is not validated.
std::optional<SavedEntry> ReadSavedEntry(Bytes block, size_t& position);

// The checksum of a block from its head to its last entry.
uint64_t BlockSum(const SnapshotHeader& header, uint64_t number, Bytes head_and_entries);

// A saved message, validated as a response from the network.
struct ValidatedEntry {
  Question question;  // With for_all_types, QTYPE is the denied type.
  ResponseFacts facts;
  WireMessage wire;  // The response: with QTYPE and without the ID of for_all_types.
};

// Returns std::nullopt for a message that cannot be in the cache.
std::optional<ValidatedEntry> ValidateSaved(const SavedEntry& entry);

}  // namespace dotcache

#endif  // DOTCACHE_CACHE_SNAPSHOT_FORMAT_H_
