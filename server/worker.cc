// SPDX-License-Identifier: Apache-2.0
#include "server/worker.h"

#include <algorithm>
#include <utility>

#include "absl/random/random.h"
#include "answer/query_handler.h"
#include "core/log.h"
#include "core/status_macros.h"
#include "core/test_delay.h"
#include "net/network_watch.h"
#include "net/uv_loop.h"
#include "server/session_table.h"
#include "server/tcp_listener.h"
#include "server/udp_listener.h"
#include "upstream/bootstrap.h"
#include "upstream/connection/socket_connector.h"
#include "upstream/exchange/upstream_manager.h"
#include "upstream/pool/loop_prober.h"

namespace dotcache {
namespace {

// A drain first waits this long, so that queries which the kernel has already received are
// answered.
constexpr Milliseconds kDrainGrace{50};
constexpr Milliseconds kDrainPoll{5};

constexpr Seconds kSweepInterval{1};
constexpr size_t kMinSweepSteps = 1024;
constexpr size_t kSweepFraction = 64;  // Each sweep examines one in this many entries.

}  // namespace

// Everything that lives on the worker's loop. Members are declared before the members that use
// them.
class Worker::Services {
 public:
  Services(Worker& worker, UvLoop& loop)
      : worker_(worker),
        loop_(loop),
        connector_(loop, worker.shared_.options.upstream.limits,
                   worker.shared_.credentials.current().upstreams),
        upstreams_(loop, worker.shared_.options.upstream, connector_, worker.upstream_counters_,
                   worker.shared_.probe_gates, random_, /*log_state_changes=*/worker.index_ == 0,
                   &worker.shared_.loops),
        loop_prober_({loop, connector_, worker.shared_.loops, random_},
                     worker.shared_.options.upstream, worker.upstream_counters_),
        sessions_(loop, worker.shared_.options.limits, worker.counters_),
        handler_({loop, worker.shared_.cache, upstreams_, worker.shared_.access,
                  worker.shared_.local_names, worker.counters_, worker.shared_.options.limits,
                  &worker.shared_.cookies, &worker.shared_.own_answers, &worker.shared_.loops}),
        drain_timer_(loop.NewTimer([this] { ContinueDrain(); })),
        sweep_timer_(loop.NewTimer([this] { Sweep(); })) {
    sessions_.set_handler(handler_);
    if (!worker.shared_.options.upstream.bootstrap.empty()) {
      bootstrap_ =
          std::make_unique<Bootstrap>(loop, worker.shared_.options.upstream,
                                      BootstrapCredentials(worker.shared_.credentials.current()));
      upstreams_.ResolveHostsBy(bootstrap_->exchanger(), [this] { OnAddresses(); });
    }
  }

  absl::Status Open(WorkerSockets sockets) {
    for (WorkerSockets::Item& item : sockets.items) {
      if (item.listen.transport == Transport::kUdp) {
        ASSIGN_OR_RETURN(auto listener,
                         UdpListener::Open(loop_, std::move(item.fd), worker_.counters_));
        listener->Serve(handler_);
        udp_listeners_.push_back(std::move(listener));
      } else {
        const bool tls = item.listen.transport == Transport::kDot;
        ASSIGN_OR_RETURN(
            auto listener,
            TcpListener::Open({loop_, worker_.shared_.access, sessions_, worker_.counters_},
                              tls ? worker_.shared_.credentials.current().listen : nullptr,
                              std::move(item.fd)));
        tcp_listeners_.push_back(std::move(listener));
      }
    }
    upstreams_.Start();
    WatchNetwork();
    if (worker_.index_ == 0) loop_prober_.Start();
    if (worker_.index_ == 0) sweep_timer_->Start(kSweepInterval);
    return absl::OkStatus();
  }

  void UseCredentials(const Credentials& credentials, const CredentialChange& change) {
    for (const int index : change.upstreams) {
      const auto& credential = credentials.upstreams[static_cast<size_t>(index)];
      const int bootstrap_index = index - static_cast<int>(worker_.upstream_counters_.size());
      if (bootstrap_index < 0) {
        connector_.UseCredentials(index, credential);
      } else {
        bootstrap_->UseCredentials(bootstrap_index, credential);
      }
    }
    upstreams_.OnTrustChanged(change.upstreams);
    if (!change.listen) return;
    for (const auto& listener : tcp_listeners_) listener->UseCredentials(credentials.listen);
  }

  void BeginDrain() { drain_timer_->Start(kDrainGrace); }

  NameExplanation Explain(const DomainName& name) const { return upstreams_.Explain(name); }

 private:
  // Endpoints of the zones' servers, then of the bootstrap servers.
  std::vector<Endpoint> Peers() const {
    std::vector<Endpoint> peers = upstreams_.Endpoints();
    for (const UpstreamServerOptions& server : worker_.shared_.options.upstream.bootstrap) {
      peers.push_back(server.endpoint);
    }
    return peers;
  }

  // A sandbox may forbid netlink sockets. The worker then runs without the watch.
  void WatchNetwork() {
    auto watch =
        NetworkWatch::Open(loop_, Peers(), worker_.shared_.options.upstream.limits.outgoing,
                           [this](const NetworkChange& change) { OnNetworkChange(change); });
    if (watch.ok()) {
      network_watch_ = *std::move(watch);
    } else if (worker_.index_ == 0) {
      Log(LogLevel::kWarn, "network changes are not watched",
          {{"cause", watch.status().message()}});
    }
  }

  // Called when the addresses of upstream host names may have changed.
  void OnAddresses() {
    if (network_watch_ != nullptr) network_watch_->SetPeers(Peers());
    if (worker_.index_ == 0) loop_prober_.SetAddresses(upstreams_.Endpoints());
  }

  void OnNetworkChange(const NetworkChange& change) {
    NetworkChange upstreams;
    upstreams.suspended = change.suspended;
    NetworkChange bootstrap = upstreams;
    for (NetworkChange::Peer peer : change.peers) {
      const bool is_bootstrap = peer.index >= worker_.upstream_counters_.size();
      if (is_bootstrap) peer.index -= worker_.upstream_counters_.size();
      (is_bootstrap ? bootstrap : upstreams).peers.push_back(peer);
    }
    if (bootstrap_ != nullptr) bootstrap_->OnNetworkChange(bootstrap);
    upstreams_.OnNetworkChange(upstreams);
    // Every worker receives the change. Only the first one counts and logs it.
    if (worker_.index_ != 0) return;
    worker_.counters_.network_changes.Add();
    loop_prober_.Start();  // The change may have made or removed a forwarding loop.
    Log(LogLevel::kInfo, change.suspended ? "resumed after a suspend" : "the network has changed",
        {{"upstream_servers", change.peers.size()}});
  }

  // The credentials of the bootstrap servers, which come after those of the zones' servers.
  SocketConnector::Credentials BootstrapCredentials(const Credentials& all) const {
    const auto first = static_cast<std::ptrdiff_t>(worker_.upstream_counters_.size());
    return {all.upstreams.begin() + first, all.upstreams.end()};
  }

  void ContinueDrain() {
    if (!stopped_accepting_) {
      stopped_accepting_ = true;
      loop_prober_.Stop();
      tcp_listeners_.clear();
      for (auto& listener : udp_listeners_) listener->StopReceiving();
      sessions_.Drain();
    }
    if (handler_.pending_count() == 0 && sessions_.size() == 0) {
      network_watch_.reset();
      upstreams_.Drain();
      if (bootstrap_ != nullptr) bootstrap_->Drain();
      // The last replies are sent at the end of this turn.
      loop_.Post([&drained = worker_.drained_] { drained.set_value(); });
      return;
    }
    drain_timer_->Start(kDrainPoll);
  }

  void Sweep() {
    ResponseCache& cache = worker_.shared_.cache;
    cache.SweepExpired(loop_.Now(),
                       std::max(kMinSweepSteps, cache.Stats().entries / kSweepFraction));
    sweep_timer_->Start(kSweepInterval);
  }

  Worker& worker_;
  UvLoop& loop_;
  absl::BitGen random_;
  std::unique_ptr<Bootstrap> bootstrap_;  // Null without bootstrap servers.
  SocketConnector connector_;
  UpstreamManager upstreams_;
  LoopProber loop_prober_;                       // Runs only in the first worker.
  std::unique_ptr<NetworkWatch> network_watch_;  // Null if it could not be opened.
  SessionTable sessions_;
  std::vector<std::unique_ptr<UdpListener>> udp_listeners_;
  QueryHandler handler_;
  std::vector<std::unique_ptr<TcpListener>> tcp_listeners_;
  std::unique_ptr<Timer> drain_timer_;
  std::unique_ptr<Timer> sweep_timer_;
  bool stopped_accepting_ = false;
};

Worker::Worker(const Shared& shared, int index, WorkerSockets sockets, WorkerCounters& counters,
               absl::Span<UpstreamCounters> upstream_counters)
    : shared_(shared),
      index_(index),
      sockets_(std::move(sockets)),
      counters_(counters),
      upstream_counters_(upstream_counters),
      drained_future_(drained_.get_future()) {}

Worker::~Worker() { Stop(); }

absl::Status Worker::Start() {
  std::promise<absl::Status> started;
  std::future<absl::Status> outcome = started.get_future();
  thread_ = std::thread(&Worker::RunThread, this, std::move(started));
  absl::Status status = outcome.get();
  if (!status.ok()) thread_.join();
  return status;
}

void Worker::RunThread(std::promise<absl::Status> started) {
  UvLoop loop;
  Services services(*this, loop);
  if (absl::Status status = services.Open(std::move(sockets_)); !status.ok()) {
    started.set_value(std::move(status));
    return;
  }
  loop_ = &loop;
  services_ = &services;
  started.set_value(absl::OkStatus());
  TestDelay(Seam::kWorker);
  loop.Run();
}

void Worker::UseCredentials(const Credentials& credentials, const CredentialChange& change) {
  loop_->Post([services = services_, credentials, change] {
    services->UseCredentials(credentials, change);
  });
}

void Worker::BeginDrain() {
  loop_->Post([services = services_] { services->BeginDrain(); });
}

NameExplanation Worker::Explain(const DomainName& name) const {
  std::promise<NameExplanation> explanation;
  loop_->Post([services = services_, &name, &explanation] {
    explanation.set_value(services->Explain(name));
  });
  return explanation.get_future().get();
}

void Worker::Stop() {
  if (!thread_.joinable()) return;
  loop_->Stop();
  thread_.join();
}

}  // namespace dotcache
