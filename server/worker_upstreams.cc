// SPDX-License-Identifier: Apache-2.0
#include "server/worker_upstreams.h"

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

}  // namespace

WorkerUpstreams::WorkerUpstreams(const Environment& environment)
    : loop_(environment.loop),
      options_(environment.options),
      server_count_(environment.counters.size()),
      worker_counters_(environment.worker_counters),
      first_(environment.first),
      connector_(loop_, options_.limits, environment.credentials.upstreams),
      manager_(loop_, options_, connector_, environment.counters, random_, &environment.loops),
      loop_prober_({loop_, connector_, environment.loops, random_}, options_,
                   environment.counters) {
  if (options_.bootstrap.empty()) return;
  bootstrap_ = std::make_unique<Bootstrap>(
      loop_, options_, BootstrapCredentials(environment.credentials, server_count_));
  manager_.ResolveHostsBy(bootstrap_->exchanger(), [this] { OnAddresses(); });
}

void WorkerUpstreams::Start() {
  manager_.Start();
  WatchNetwork();
  if (first_) loop_prober_.Start();
}

void WorkerUpstreams::UseCredentials(const Credentials& credentials,
                                     const CredentialChange& change) {
  for (const int index : change.upstreams) {
    const auto& credential = credentials.upstreams[static_cast<size_t>(index)];
    const int bootstrap_index = index - static_cast<int>(server_count_);
    if (bootstrap_index < 0) {
      connector_.UseCredentials(index, credential);
    } else {
      bootstrap_->UseCredentials(bootstrap_index, credential);
    }
  }
  manager_.OnTrustChanged(change.upstreams);
}

void WorkerUpstreams::Drain() {
  network_watch_.reset();
  manager_.Drain();
  if (bootstrap_ != nullptr) bootstrap_->Drain();
}

// Endpoints of the zones' servers, then of the bootstrap servers.
std::vector<Endpoint> WorkerUpstreams::Peers() const {
  std::vector<Endpoint> peers = manager_.Endpoints();
  for (const UpstreamServerOptions& server : options_.bootstrap) peers.push_back(server.endpoint);
  return peers;
}

// A sandbox may forbid netlink sockets. The worker then runs without the watch.
void WorkerUpstreams::WatchNetwork() {
  auto watch = NetworkWatch::Open(loop_, Peers(), options_.limits.outgoing,
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
    const bool is_bootstrap = peer.index >= server_count_;
    if (is_bootstrap) peer.index -= server_count_;
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
  Log(LogLevel::kInfo, change.suspended ? "resumed after a suspend" : "the network has changed",
      {{"upstream_servers", change.peers.size()}});
}

}  // namespace dotcache
