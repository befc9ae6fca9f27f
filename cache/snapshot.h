// SPDX-License-Identifier: Apache-2.0
// Writes the entries of a cache as a snapshot, and reads them again.
#ifndef DOTCACHE_CACHE_SNAPSHOT_H_
#define DOTCACHE_CACHE_SNAPSHOT_H_

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cache/response_cache.h"
#include "core/bytes.h"
#include "core/clock.h"
#include "dns/question.h"

namespace dotcache {

// What a snapshot needs to know about its surroundings.
struct SnapshotContext {
  MonoTime now;
  int64_t unix_seconds = 0;  // The same moment by the calendar.
  // Tells which servers answer a question: a hash of the zone and its servers.
  absl::FunctionRef<uint32_t(const Question&)> zone_of;
  uint64_t all_zones = 0;  // A hash of all zones and their servers.
};

// Appends octets to the file. An error ends the snapshot.
using SnapshotSink = absl::FunctionRef<absl::Status(Bytes)>;
// Fills the buffer with the next octets of the file. Fails if there are fewer.
using SnapshotSource = absl::FunctionRef<absl::Status(MutableBytes)>;

// Writes all entries that may answer queries: fresh ones, and expired ones as long as the cache
// uses stale data. Failures are left out, because their cause may end with the restart. Workers may
// use the cache meanwhile: a shard is locked for 64 slots at a time. Returns the number of entries.
absl::StatusOr<uint64_t> WriteSnapshot(const ResponseCache& cache, const SnapshotContext& context,
                                       SnapshotSink sink);

struct SnapshotCounts {
  uint64_t entries = 0;
  uint64_t expired = 0;      // Left out: their time is over.
  uint64_t other_zones = 0;  // Left out: another zone or other servers have their names.
};

// Stores the entries of a snapshot in `cache`, less the time since it was written. Each message is
// validated as a response of an upstream server, and the limits of TTLs are those of `cache`.
// Entries that lead to another name are left out if any zone has changed.
//
// After an error `cache` is empty. Errors: not a snapshot, another version, older than `max_age`,
// from the future, damaged, or with an entry that is not valid.
// REQUIRES: no other thread uses `cache`.
absl::StatusOr<SnapshotCounts> ReadSnapshot(ResponseCache& cache, const SnapshotContext& context,
                                            Seconds max_age, SnapshotSource source);

}  // namespace dotcache

#endif  // DOTCACHE_CACHE_SNAPSHOT_H_
