// SPDX-License-Identifier: Apache-2.0
#include "admin/limit_levels.h"

#include <memory>

#include "answer/forwarder.h"
#include "server/server.h"
#include "server/session_table.h"

namespace dotcache {

std::vector<LimitLevel> LimitLevels(const Server& server) {
  const std::shared_ptr<const ServingRules> rules = server.rules();  // A reload changes them.
  const ServerLimits& limits = rules->limits;
  const PendingLimits pending = PendingLimitsFor(limits);
  const auto workers = static_cast<uint64_t>(server.worker_count());
  const auto owners = static_cast<uint64_t>(server.upstream_worker_count());
  const auto sum = [&server](Counter WorkerCounters::*gauge) {
    uint64_t total = 0;
    for (int i = 0; i < server.worker_count(); ++i) {
      total += (server.worker_counters(i).*gauge).value();
    }
    return total;
  };
  return {
      {Limit::kPendingQueries, sum(&WorkerCounters::pending_queries), pending.keys * owners},
      {Limit::kWaiters, sum(&WorkerCounters::waiting_clients), pending.waiters * owners},
      {Limit::kConnections, sum(&WorkerCounters::stream_connections),
       static_cast<uint64_t>(limits.max_stream_connections) * workers},
      {Limit::kUnfinished, sum(&WorkerCounters::unfinished_bytes),
       SessionTable::kMaxUnfinishedBytes * workers},
  };
}

}  // namespace dotcache
