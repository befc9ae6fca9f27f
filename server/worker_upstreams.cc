// SPDX-License-Identifier: Apache-2.0
#include "server/worker_upstreams.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "core/log.h"
#include "net/uv_loop.h"

namespace dotcache {
namespace {

// The credentials of the bootstrap servers, which come after those of the zones' servers.
SocketConnector::Credentials BootstrapCredentials(const Credentials& all, size_t server_count) {
  return {all.upstreams.begin() + static_cast<std::ptrdiff_t>(server_count), all.upstreams.end()};
}

// Keeps objects of a former plan until the connections that refer to them are destroyed.
struct FormerObjects : public Deletable {
  std::unique_ptr<Bootstrap> bootstrap;
  std::vector<std::shared_ptr<const UpstreamPlan>> plans;
};

}  // namespace

WorkerUpstreams::WorkerUpstreams(const Environment& environment)
    : loop_(environment.loop),
      plan_(environment.plan),
      worker_(environment.worker),
      worker_counters_(environment.worker_counters),
      first_(environment.worker == 0),
      notes_(environment.query_log, plan_),
      connector_(loop_, plan_->options.limits, {}),
      manager_(loop_, plan_->options, connector_, Numbered(), random_, &environment.loops),
      loop_prober_({loop_, connector_, environment.loops, random_}, plan_->options.limits.workers) {
  if (notes_.on()) connector_.Observe(notes_);
  GiveCredentials({}, environment.credentials);
  UseLoopProber();
  MakeBootstrap(environment.credentials);
  if (bootstrap_ == nullptr) return;
  manager_.ResolveHostsBy(bootstrap_->exchanger(), [this] { OnAddresses(); });
}

std::vector<NumberedServer> WorkerUpstreams::Numbered() const {
  std::vector<NumberedServer> numbered;
  for (size_t i = 0; i < plan_->servers.size(); ++i) {
    numbered.push_back({plan_->numbers[i], plan_->counters[static_cast<size_t>(worker_)][i].get()});
  }
  return numbered;
}

void WorkerUpstreams::MakeBootstrap(const Credentials& credentials) {
  bootstrap_.reset();
  if (plan_->options.bootstrap.empty()) return;
  bootstrap_ = std::make_unique<Bootstrap>(
      loop_, plan_->options, BootstrapCredentials(credentials, plan_->servers.size()));
}

// Servers whose number is not among `known` get theirs. The others keep theirs and their tickets.
void WorkerUpstreams::GiveCredentials(const std::vector<int>& known,
                                      const Credentials& credentials) {
  connector_.Grow(plan_->numbers_end);
  for (size_t i = 0; i < plan_->servers.size(); ++i) {
    const int number = plan_->numbers[i];
    if (std::find(known.begin(), known.end(), number) != known.end()) continue;
    connector_.UseCredentials(number, credentials.upstreams[i]);
  }
}

void WorkerUpstreams::UseLoopProber() {
  if (!first_) return;
  std::vector<UpstreamCounters*> counters;
  for (const auto& of_server : plan_->counters.front()) counters.push_back(of_server.get());
  loop_prober_.Use(plan_->options, plan_->numbers, counters);
}

void WorkerUpstreams::Use(std::shared_ptr<const UpstreamPlan> plan,
                          const Credentials& credentials) {
  if (plan == plan_) return;
  auto former = std::make_unique<FormerObjects>();
  former->bootstrap = std::move(bootstrap_);
  const std::vector<int> known = plan_->numbers;
  const bool same_path = plan->options.limits.outgoing == plan_->options.limits.outgoing;
  std::shared_ptr<const UpstreamPlan> previous = std::exchange(plan_, std::move(plan));
  connector_.UseLimits(plan_->options.limits);
  GiveCredentials(known, credentials);
  MakeBootstrap(credentials);
  const bool all_ended = manager_.Use(plan_->options, Numbered(),
                                      bootstrap_ == nullptr ? nullptr : &bootstrap_->exchanger(),
                                      [this] { OnAddresses(); });
  if (all_ended) former->plans = std::exchange(former_plans_, {});
  former_plans_.push_back(std::move(previous));
  UseLoopProber();
  if (!same_path) {
    WatchNetwork();
  } else if (network_watch_ != nullptr) {
    network_watch_->SetPeers(Peers());
  }
  if (first_) loop_prober_.SetAddresses(manager_.Endpoints());
  loop_.DeferDelete(std::move(former));
}

void WorkerUpstreams::Start() {
  manager_.Start();
  WatchNetwork();
  if (first_) loop_prober_.Start();
}

void WorkerUpstreams::UseCredentials(const Credentials& credentials,
                                     const CredentialChange& change) {
  std::vector<int> numbers;
  for (const int index : change.upstreams) {
    const auto server = static_cast<size_t>(index);
    const auto& credential = credentials.upstreams[server];
    if (server < plan_->numbers.size()) {
      connector_.UseCredentials(plan_->numbers[server], credential);
      numbers.push_back(plan_->numbers[server]);
    } else {
      bootstrap_->UseCredentials(static_cast<int>(server - plan_->numbers.size()), credential);
    }
  }
  manager_.OnTrustChanged(numbers);
}

void WorkerUpstreams::Drain() {
  network_watch_.reset();
  manager_.Drain();
  if (bootstrap_ != nullptr) bootstrap_->Drain();
}

// Endpoints by the numbers of the zones' servers, then of the bootstrap servers.
std::vector<Endpoint> WorkerUpstreams::Peers() const {
  std::vector<Endpoint> peers = manager_.Endpoints();
  peers.resize(plan_->numbers_end);
  for (const UpstreamServerOptions& server : plan_->options.bootstrap) {
    peers.push_back(server.endpoint);
  }
  return peers;
}

// A sandbox may forbid netlink sockets. The worker then runs without the watch.
void WorkerUpstreams::WatchNetwork() {
  auto watch = NetworkWatch::Open(loop_, Peers(), plan_->options.limits.outgoing,
                                  [this](const NetworkChange& change) { OnNetworkChange(change); });
  if (watch.ok()) {
    network_watch_ = *std::move(watch);
  } else if (first_) {
    Log(LogLevel::kWarn, "network changes are not detected", {{"cause", watch.status().message()}});
  }
}

// Called when the addresses of upstream host names may have changed.
void WorkerUpstreams::OnAddresses() {
  if (network_watch_ != nullptr) network_watch_->SetPeers(Peers());
  if (first_) loop_prober_.SetAddresses(manager_.Endpoints());
}

void WorkerUpstreams::OnNetworkChange(const NetworkChange& change) {
  NetworkChange upstreams;
  upstreams.suspended = change.suspended;
  NetworkChange bootstrap = upstreams;
  for (NetworkChange::Peer peer : change.peers) {
    const bool is_bootstrap = peer.index >= plan_->numbers_end;
    if (is_bootstrap) peer.index -= plan_->numbers_end;
    (is_bootstrap ? bootstrap : upstreams).peers.push_back(peer);
  }
  for (const NetworkChange::Peer& peer : upstreams.peers) {
    connector_.ForgetTickets(static_cast<int>(peer.index));
  }
  if (bootstrap_ != nullptr) bootstrap_->OnNetworkChange(bootstrap);
  manager_.OnNetworkChange(upstreams);
  if (!first_) return;
  worker_counters_.network_changes.Add();
  loop_prober_.Start();  // The change may have made or removed a forwarding loop.
  const std::optional<uint64_t> left_out = change_lines_.Take(loop_.Now());
  if (!left_out.has_value()) return;
  Log(LogLevel::kInfo, change.suspended ? "resumed after a suspend" : "the network has changed",
      {{"upstream_servers", change.peers.size()}, {"lines_left_out", *left_out}});
}

}  // namespace dotcache
