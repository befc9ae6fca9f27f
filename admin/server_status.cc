// SPDX-License-Identifier: Apache-2.0
#include "admin/server_status.h"

#include "server/server.h"

namespace dotcache {
namespace {

void AddWorker(const WorkerCounters& counters, ServerStatus& status) {
  for (const Counter& queries : counters.queries) status.queries += queries.value();
  status.cache_hits += counters.cache_hits.value();
  status.cache_misses += counters.cache_misses.value();
  status.stale_answers += counters.stale_answers.value();
  status.servfail += counters.responses[static_cast<size_t>(Rcode::kServFail)].value();
  status.pending_queries += counters.pending_queries.value();
  status.stream_connections += counters.stream_connections.value();
}

void AddUpstreams(const Server& server, ServerStatus& status) {
  for (size_t i = 0; i < server.upstream_servers().size(); ++i) {
    bool present = server.upstream_servers()[i].host.empty();
    bool up = false;
    for (int worker = 0; worker < server.upstream_worker_count(); ++worker) {
      const UpstreamCounters& counters = server.upstream_counters(worker)[i];
      present |= counters.present.value() > 0;
      up |= counters.up.value() > 0;
    }
    if (!present) continue;
    ++status.upstreams;
    if (up) ++status.upstreams_up;
  }
}

}  // namespace

ServerStatus StatusOf(const Server& server) {
  ServerStatus status;
  status.ready = server.ready();
  status.last_reload_ok = server.last_reload_ok();
  for (int worker = 0; worker < server.worker_count(); ++worker) {
    AddWorker(server.worker_counters(worker), status);
  }
  AddUpstreams(server, status);
  status.cache = server.cache().Stats();
  return status;
}

}  // namespace dotcache
