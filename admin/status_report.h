// SPDX-License-Identifier: Apache-2.0
// The state of a running server in a few numbers.
#ifndef DOTCACHE_ADMIN_STATUS_REPORT_H_
#define DOTCACHE_ADMIN_STATUS_REPORT_H_

#include <cstddef>
#include <cstdint>

#include "cache/cache_stats.h"

namespace dotcache {

class Server;
struct UpstreamPlan;

// Sums over all workers. The counters begin at the start of the process.
struct StatusReport {
  bool ready = false;
  bool last_reload_ok = true;
  uint64_t queries = 0;
  uint64_t cache_hits = 0;
  uint64_t cache_misses = 0;
  uint64_t stale_answers = 0;
  uint64_t servfail = 0;
  uint64_t pending_queries = 0;
  uint64_t stream_connections = 0;
  size_t upstreams = 0;     // With an address.
  size_t upstreams_up = 0;  // Up, or on trial, for a worker.
  CacheStats cache;
};

// One upstream server, summed over all workers.
struct UpstreamStatus {
  bool present = false;  // It has an address.
  bool up = false;       // Up, or on trial, for a worker.
  uint64_t connections = 0;
  uint64_t in_flight = 0;
  uint64_t queries = 0;
  uint64_t responses = 0;
  uint64_t failures = 0;
  uint64_t timeouts = 0;
};

// The server with this place in the plan. Any thread may call it.
UpstreamStatus UpstreamStatusOf(const UpstreamPlan& plan, size_t index);

// Any thread may call it. Locks the shards of the cache one after another.
StatusReport StatusOf(const Server& server);

}  // namespace dotcache

#endif  // DOTCACHE_ADMIN_STATUS_REPORT_H_
