// SPDX-License-Identifier: Apache-2.0
#include "server/upstream_plan.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "upstream/pool/loop_watch.h"

namespace dotcache {
namespace {

// Whether the connections to the one are as good for the other. Weight and charge decide only how
// often a server is queried.
bool IsSameServer(UpstreamServerOptions one, const UpstreamServerOptions& other) {
  one.weight = other.weight;
  one.metered = other.metered;
  return one == other;
}

bool UsesCa(const UpstreamServerOptions& server) {
  return server.transport == Transport::kDot && server.ca_file.empty();
}

// The servers of a plan, by zone. Each can be taken once.
class FormerServers {
 public:
  explicit FormerServers(const UpstreamPlan& plan) : plan_(plan) {
    size_t server = 0;
    for (const UpstreamZoneOptions& zone : plan.options.zones) {
      std::vector<size_t>& of_zone = by_zone_[zone.zone.ToString()];
      for (size_t i = 0; i < zone.servers.size(); ++i) of_zone.push_back(server++);
    }
  }

  std::optional<size_t> Take(const DomainName& zone, const UpstreamServerOptions& wanted,
                             const std::string& ca_file) {
    std::vector<size_t>& servers = by_zone_[zone.ToString()];
    const auto found = std::find_if(servers.begin(), servers.end(), [&](size_t server) {
      const bool same_ca = !UsesCa(wanted) || ca_file == plan_.ca_file;
      return same_ca && IsSameServer(plan_.servers[server], wanted);
    });
    if (found == servers.end()) return std::nullopt;
    const size_t taken = *found;
    servers.erase(found);
    return taken;
  }

 private:
  const UpstreamPlan& plan_;
  std::map<std::string, std::vector<size_t>> by_zone_;
};

// A plan whose servers have no number and no counters.
UpstreamPlan PlanOf(const ServerOptions& options) {
  UpstreamPlan plan;
  plan.options = options.upstream;
  plan.ca_file = options.upstream_ca_file;
  for (const UpstreamZoneOptions& zone : plan.options.zones) {
    plan.servers.insert(plan.servers.end(), zone.servers.begin(), zone.servers.end());
  }
  plan.counters.resize(static_cast<size_t>(options.upstream_workers));
  return plan;
}

void AddNew(UpstreamPlan& plan, size_t number) {
  plan.numbers.push_back(static_cast<int>(number));
  plan.numbers_end = std::max(plan.numbers_end, number + 1);
  for (auto& of_worker : plan.counters) of_worker.push_back(std::make_shared<UpstreamCounters>());
}

void AddFormer(UpstreamPlan& plan, const UpstreamPlan& previous, size_t server) {
  plan.numbers.push_back(previous.numbers[server]);
  for (size_t worker = 0; worker < plan.counters.size(); ++worker) {
    plan.counters[worker].push_back(previous.counters[worker][server]);
  }
}

}  // namespace

CurrentPlan::CurrentPlan(const ServerOptions& options) {
  UpstreamPlan plan = PlanOf(options);
  for (size_t i = 0; i < plan.servers.size(); ++i) AddNew(plan, i);
  plan_ = std::make_shared<const UpstreamPlan>(std::move(plan));
}

std::shared_ptr<const UpstreamPlan> CurrentPlan::Get() const {
  const MutexLock lock(mutex_);
  return plan_;
}

std::vector<bool> CurrentPlan::NumbersInUse() const {
  const std::shared_ptr<const UpstreamPlan> current = Get();
  std::vector<bool> in_use(current->numbers_end);
  const auto mark = [&in_use](const UpstreamPlan& plan) {
    for (const int number : plan.numbers) in_use[static_cast<size_t>(number)] = true;
  };
  mark(*current);
  for (const auto& former : former_) {
    if (const auto plan = former.lock()) mark(*plan);
  }
  return in_use;
}

absl::StatusOr<std::shared_ptr<const UpstreamPlan>> CurrentPlan::Next(
    const ServerOptions& options) const {
  std::shared_ptr<const UpstreamPlan> previous = Get();
  UpstreamPlan plan = PlanOf(options);
  plan.options.limits.workers = previous->options.limits.workers;
  if (plan.options == previous->options && plan.ca_file == previous->ca_file) return previous;
  plan.numbers_end = previous->numbers_end;
  plan.counters.resize(previous->counters.size());
  // With another source address or mark no connection stays.
  const bool same_path = plan.options.limits.outgoing == previous->options.limits.outgoing;
  FormerServers former(*previous);
  std::vector<bool> in_use = NumbersInUse();
  size_t next = 0;
  for (const UpstreamZoneOptions& zone : plan.options.zones) {
    for (const UpstreamServerOptions& server : zone.servers) {
      const auto same = same_path ? former.Take(zone.zone, server, plan.ca_file) : std::nullopt;
      if (same.has_value()) {
        AddFormer(plan, *previous, *same);
        continue;
      }
      while (next < in_use.size() && in_use[next]) ++next;
      if (next >= LoopWatch::kMaxServers) {
        return absl::ResourceExhaustedError("too many upstream servers are still in use");
      }
      AddNew(plan, next++);
    }
  }
  return std::make_shared<const UpstreamPlan>(std::move(plan));
}

void CurrentPlan::Set(std::shared_ptr<const UpstreamPlan> plan) {
  std::erase_if(former_, [](const auto& former) { return former.expired(); });
  const MutexLock lock(mutex_);
  if (plan == plan_) return;
  former_.push_back(std::exchange(plan_, std::move(plan)));
}

}  // namespace dotcache
