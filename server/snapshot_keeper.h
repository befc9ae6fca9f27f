// SPDX-License-Identifier: Apache-2.0
// Keeps a snapshot of the cache in a file, so that a restart begins with a warm cache.
#ifndef DOTCACHE_SERVER_SNAPSHOT_KEEPER_H_
#define DOTCACHE_SERVER_SNAPSHOT_KEEPER_H_

#include <atomic>
#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "answer/zone_names.h"
#include "cache/response_cache.h"
#include "cache/snapshot.h"
#include "core/counters.h"
#include "core/mutex.h"
#include "server/server_options.h"

namespace dotcache {

// Reads the file at the start, and writes it at the stop and in an interval, on a thread of its
// own. Does nothing without a file. An error is logged, and the server goes on without a snapshot.
// The thread that owns the server calls the functions; any thread may read the counters.
class SnapshotKeeper {
 public:
  // `cache` must outlive this object.
  SnapshotKeeper(const SnapshotOptions& options, const UpstreamOptions& upstream,
                 ResponseCache& cache);
  ~SnapshotKeeper();  // Ends the thread.

  // Fills the cache. REQUIRES: no other thread uses the cache.
  void Read();

  // Begins to write in the interval.
  void Start();

  // Ends the interval and writes the last snapshot. A snapshot of the interval that is being
  // written is given up. REQUIRES: no more than one call.
  void Finish();

  // The next snapshots are those of these zones and servers. Any thread may call it.
  void UseZones(const UpstreamOptions& upstream);

  uint64_t written(bool ok) const { return (ok ? written_ : failed_).value(); }

 private:
  // The zones of one configuration. Immutable.
  struct Zones {
    explicit Zones(const UpstreamOptions& upstream);
    uint32_t HashOf(const Question& question) const { return hashes[names.ZoneOf(question)]; }

    const ZoneNames names;
    std::vector<uint32_t> hashes;  // By the zone's number: of its name and its servers.
    uint64_t all = 0;
  };

  void WarnIfNotWritable() const;
  std::shared_ptr<const Zones> CurrentZones() const;
  void Run();
  void EndThread();
  absl::StatusOr<SnapshotCounts> ReadFile(const SnapshotContext& context);
  absl::StatusOr<uint64_t> WriteFile(const SnapshotContext& context, bool is_last);
  void Write(bool is_last);

  const SnapshotOptions options_;
  ResponseCache& cache_;
  mutable Mutex zones_mutex_;
  std::shared_ptr<const Zones> zones_ ABSL_GUARDED_BY(zones_mutex_);
  Counter written_;
  Counter failed_;
  std::string last_error_;  // Of the last attempt to write. Empty: it succeeded.
  std::atomic<bool> ending_{false};
  std::promise<void> end_;
  std::thread thread_;  // Writes in the interval.
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_SNAPSHOT_KEEPER_H_
