// SPDX-License-Identifier: Apache-2.0
#include "server/server.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/log.h"
#include "core/status_macros.h"
#include "core/test_delay.h"
#include "net/boot_clock.h"
#include "net/listen_socket.h"
#include "server/worker.h"

namespace dotcache {
namespace {

// How long a stop waits for the connections of the clients that were answered last.
constexpr Milliseconds kLastFlush{1000};

std::vector<UpstreamServerOptions> AllServers(const UpstreamOptions& options) {
  std::vector<UpstreamServerOptions> servers;
  for (const UpstreamZoneOptions& zone : options.zones) {
    servers.insert(servers.end(), zone.servers.begin(), zone.servers.end());
  }
  return servers;
}

ServerOptions WithinWorkers(ServerOptions options) {
  options.upstream_workers = std::min(options.upstream_workers, options.workers);
  options.upstream.limits.workers = options.upstream_workers;
  return options;
}

absl::StatusOr<UniqueFd> Bind(const ListenOptions& listen) {
  return listen.transport == Transport::kUdp ? BindUdp(listen.endpoint) : BindTcp(listen.endpoint);
}

SocketKind KindOf(const ListenOptions& listen) {
  return listen.transport == Transport::kUdp ? SocketKind::kUdp : SocketKind::kTcp;
}

}  // namespace

Server::Server(const ServerOptions& options)
    : options_(WithinWorkers(options)),
      cache_(options.cache, HashSeed::Random()),
      upstream_servers_(AllServers(options.upstream)),
      loops_(upstream_servers_.size()),
      handoff_(static_cast<size_t>(options.workers), static_cast<size_t>(options_.upstream_workers),
               static_cast<size_t>(options.limits.tuning.max_handed_queries), cache_.seed()),
      streams_(options.limits.max_streams_per_client),
      handshakes_(options.limits.handshakes_per_second),
      reply_rate_(options.reply_rate),
      zone_names_(ForwardedZones(options.upstream)),
      answer_times_(zone_names_.size()),
      top_(static_cast<size_t>(options.workers)),
      snapshot_(options.snapshot, options.upstream, cache_, zone_names_) {}

Server::~Server() = default;

absl::StatusOr<std::unique_ptr<Server>> Server::Create(const ServerOptions& options,
                                                       const InheritedSockets& inherited) {
  auto server = std::unique_ptr<Server>(new Server(options));
  RETURN_IF_ERROR(server->rules_.Load(options));
  RETURN_IF_ERROR(server->LoadCredentials());
  // Before the addresses are bound, because queries would wait meanwhile.
  server->snapshot_.Read();
  RETURN_IF_ERROR(server->BindListeners(inherited));
  for (int i = 0; i < options.workers; ++i) {
    const bool has_upstreams = i < server->upstream_worker_count();
    server->counters_.push_back(
        std::make_unique<CounterBoard>(has_upstreams ? server->upstream_servers_.size() : 0));
  }
  return server;
}

size_t Server::local_record_count() const { return rules_.Get()->local_record_count(); }

absl::Status Server::LoadCredentials() {
  ASSIGN_OR_RETURN(credentials_, CredentialStore::Load(options_));
  return absl::OkStatus();
}

absl::Status Server::BindListeners(const InheritedSockets& inherited) {
  TestDelay(Seam::kBind);
  RETURN_IF_ERROR(CheckAllUsed(inherited, options_.listen));
  sockets_.resize(static_cast<size_t>(options_.workers));
  for (const ListenOptions& configured : options_.listen) {
    ListenOptions listen = configured;
    if (const InheritedSocket* socket = FindInherited(inherited, listen); socket != nullptr) {
      RETURN_IF_ERROR(ShareSocket(*socket, listen));
      continue;
    }
    // With `reuse-port` there is no test: a socket that closes again would lose what it received.
    if (listen.endpoint.port() != 0 && !options_.reuse_port) {
      const absl::Status free = CheckEndpointFree(listen.endpoint, KindOf(listen));
      if (listen.optional && absl::IsUnavailable(free)) {
        Log(LogLevel::kInfo, "listener skipped",
            {{"transport", TransportName(listen.transport)},
             {"address", listen.endpoint.ToString()},
             {"cause", free.message()}});
        continue;
      }
      RETURN_IF_ERROR(free);
    }
    for (WorkerSockets& worker : sockets_) {
      ASSIGN_OR_RETURN(UniqueFd fd, Bind(listen));
      // The other workers use the port that replaced port 0.
      listen.endpoint = LocalEndpoint(fd.get());
      worker.items.push_back({listen, std::move(fd)});
    }
    listeners_.push_back(listen);
  }
  if (listeners_.empty()) return absl::FailedPreconditionError("no listener could be opened");
  return absl::OkStatus();
}

absl::Status Server::ShareSocket(const InheritedSocket& socket, const ListenOptions& listen) {
  for (WorkerSockets& worker : sockets_) {
    UniqueFd fd(fcntl(socket.fd->get(), F_DUPFD_CLOEXEC, 0));
    if (!fd.valid()) return absl::ResourceExhaustedError("no file descriptor is left");
    worker.items.push_back({listen, std::move(fd), /*inherited=*/true});
  }
  listeners_.push_back(listen);
  return absl::OkStatus();
}

absl::Status Server::Start() {
  TestDelay(Seam::kStart);
  shared_ = std::make_unique<Worker::Shared>(
      Worker::Shared{cache_, rules_.Get(), options_, *credentials_, loops_, handoff_, streams_,
                     handshakes_, reply_rate_, zone_names_, answer_times_, top_,
                     std::make_unique<GatewayWatch>(GatewayWatch::OwnGateways())});
  for (size_t i = 0; i < sockets_.size(); ++i) {
    CounterBoard& board = *counters_[i];
    workers_.push_back(std::make_unique<Worker>(*shared_, static_cast<int>(i),
                                                std::move(sockets_[i]), board.worker,
                                                absl::MakeSpan(board.upstreams)));
  }
  sockets_.clear();
  for (auto& worker : workers_) RETURN_IF_ERROR(worker->Start());
  shared_->rules = nullptr;  // The workers have taken them.
  snapshot_.Start();
  const MutexLock lock(running_mutex_);
  running_ = true;
  return absl::OkStatus();
}

bool Server::ready() const {
  if (stopping_.load(std::memory_order_relaxed)) return false;
  const size_t root_servers = options_.upstream.zones.front().servers.size();
  for (int worker = 0; worker < upstream_worker_count(); ++worker) {
    for (size_t i = 0; i < root_servers; ++i) {
      const UpstreamCounters& upstream = upstream_counters(worker)[i];
      if (upstream.taken_out.value() > 0) continue;
      if (upstream.full_handshakes.value() + upstream.resumed_handshakes.value() > 0) return true;
    }
  }
  return false;
}

absl::Status Server::Reload(const ServerOptions& options) {
  if (stopping_) return absl::FailedPreconditionError("the server is stopping");
  RETURN_IF_ERROR(rules_.Load(options));
  for (auto& worker : workers_) worker->UseRules(rules_.Get());
  return absl::OkStatus();
}

void Server::UseProvider(const std::string& name, bool use) {
  if (stopping_) return;
  for (int i = 0; i < upstream_worker_count(); ++i) {
    workers_[static_cast<size_t>(i)]->UseProvider(name, use);
  }
}

void Server::NoteReload(bool ok) {
  last_reload_ok_ = ok;
  (ok ? reloads_ : failed_reloads_).Add();
}

void Server::ReloadCredentials() {
  if (stopping_) return;
  rules_.FreeFormer();
  const CredentialChange change = credentials_->Refresh();
  if (change.empty()) return;
  for (auto& worker : workers_) worker->UseCredentials(credentials_->current(), change);
}

bool Server::WorkersHadTurn() {
  bool all = true;
  for (auto& worker : workers_) all &= worker->HadTurn();
  return all;
}

void Server::Shutdown() {
  AnnounceStop();
  if (std::exchange(shut_down_, true)) return;
  {
    const MutexLock lock(running_mutex_);
    running_ = false;
  }
  const ServerTuning& tuning = options_.limits.tuning;
  TestDelay(Seam::kDrain);
  for (auto& worker : workers_) worker->AwaitQuiet();
  const MonoTime quiet_by = BootTime() + tuning.drain_timeout;
  for (auto& worker : workers_) worker->Quiet().wait_for(quiet_by - BootTime());
  for (auto& worker : workers_) worker->BeginDrain();
  const MonoTime answered_by = BootTime() + tuning.last_replies_timeout;
  if (!AwaitDrained(answered_by)) {
    for (auto& worker : workers_) worker->AnswerWaiting();
    AwaitDrained(BootTime() + kLastFlush);
  }
  TestDelay(Seam::kJoin);
  for (auto& worker : workers_) worker->Stop();
  snapshot_.Finish();
}

bool Server::AwaitDrained(MonoTime deadline) {
  bool all = true;
  for (auto& worker : workers_) {
    const auto left = std::max<Duration>(deadline - BootTime(), Duration(0));
    all &= worker->Drained().wait_for(left) == std::future_status::ready;
  }
  return all;
}

std::optional<NameExplanation> Server::Explain(const DomainName& name) const {
  const MutexLock lock(running_mutex_);
  if (!running_) return std::nullopt;
  return workers_[handoff_.OwnerOf(name.Canonical())]->Explain(name);
}

const WorkerCounters& Server::worker_counters(int worker) const {
  return counters_[static_cast<size_t>(worker)]->worker;
}

absl::Span<const UpstreamCounters> Server::upstream_counters(int worker) const {
  return counters_[static_cast<size_t>(worker)]->upstreams;
}

}  // namespace dotcache
