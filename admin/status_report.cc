// SPDX-License-Identifier: Apache-2.0
#include "admin/status_report.h"

#include "server/server.h"

namespace dotcache {
namespace {

void AddWorker(const WorkerCounters& counters, StatusReport& status) {
  for (const Counter& queries : counters.queries) status.queries += queries.value();
  status.cache_hits += counters.cache_hits.value();
  status.cache_misses += counters.cache_misses.value();
  status.stale_answers += counters.stale_answers.value();
  status.servfail += counters.Replies(Rcode::kServFail);
  status.pending_queries += counters.pending_queries.value();
  status.stream_connections += counters.stream_connections.value();
}

void AddUpstreams(const Server& server, StatusReport& status) {
  const std::shared_ptr<const UpstreamPlan> plan = server.upstreams();
  for (size_t i = 0; i < plan->servers.size(); ++i) {
    const UpstreamStatus upstream = UpstreamStatusOf(*plan, i);
    if (!upstream.present) continue;
    ++status.upstreams;
    if (upstream.up) ++status.upstreams_up;
  }
}

}  // namespace

UpstreamStatus UpstreamStatusOf(const UpstreamPlan& plan, size_t index) {
  UpstreamStatus status;
  status.present = plan.servers[index].host.empty();
  for (const auto& of_worker : plan.counters) {
    const UpstreamCounters& counters = *of_worker[index];
    status.present |= counters.present.value() > 0;
    status.up |= counters.up.value() > 0;
    status.connections += counters.open_connections.value();
    status.in_flight += counters.in_flight.value();
    status.queries += counters.queries.value();
    status.responses += counters.responses.value();
    status.failures += counters.failures.value();
    status.timeouts += counters.timeouts.value();
  }
  return status;
}

StatusReport StatusOf(const Server& server) {
  StatusReport status;
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
