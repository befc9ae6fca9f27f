// SPDX-License-Identifier: Apache-2.0
// The upstream servers of one configuration, with their numbers and counters.
#ifndef DOTCACHE_SERVER_UPSTREAM_PLAN_H_
#define DOTCACHE_SERVER_UPSTREAM_PLAN_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "core/mutex.h"
#include "server/server_options.h"
#include "upstream/api/upstream_counters.h"
#include "upstream/api/upstream_options.h"

namespace dotcache {

// What a reload gives to the workers that query upstream servers. A server of the previous plan
// with the same settings keeps its number and its counters, and so the workers keep its
// connections. Immutable, except the counters. Shared by the workers and by readers of counters.
struct UpstreamPlan {
  UpstreamOptions options;
  // Of all zones, in order.
  std::vector<UpstreamServerOptions> servers;
  std::vector<int> numbers;  // By server.
  size_t numbers_end = 0;    // Every number of this plan and of earlier plans is below it.
  std::string ca_file;       // Of servers without their own.
  // By worker and server. Only the worker writes them.
  std::vector<std::vector<std::shared_ptr<UpstreamCounters>>> counters;

  const UpstreamCounters& CountersOf(int worker, size_t server) const {
    return *counters[static_cast<size_t>(worker)][server];
  }
  size_t root_servers() const { return options.zones.front().servers.size(); }
};

// The plan in force. Any thread may call Get(), one thread the others.
class CurrentPlan {
 public:
  // The first plan. `options.upstream_workers` is final.
  explicit CurrentPlan(const ServerOptions& options);

  std::shared_ptr<const UpstreamPlan> Get() const;

  // The plan for these options after the one in force: the same plan if nothing differs. It is not
  // in force before Set(). kResourceExhausted if no number is left.
  absl::StatusOr<std::shared_ptr<const UpstreamPlan>> Next(const ServerOptions& options) const;
  void Set(std::shared_ptr<const UpstreamPlan> plan);

 private:
  std::vector<bool> NumbersInUse() const;

  mutable Mutex mutex_;
  std::shared_ptr<const UpstreamPlan> plan_ ABSL_GUARDED_BY(mutex_);
  // A worker holds a plan until the last connection of it is closed. Until then its numbers are
  // in use.
  std::vector<std::weak_ptr<const UpstreamPlan>> former_;
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_UPSTREAM_PLAN_H_
