// SPDX-License-Identifier: Apache-2.0
#include "server/server.h"

#include <fcntl.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
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

// The numbers of the servers of each zone.
std::map<std::string, std::set<int>> NumbersByZone(const UpstreamPlan& plan) {
  std::map<std::string, std::set<int>> numbers;
  size_t server = 0;
  for (const UpstreamZoneOptions& zone : plan.options.zones) {
    std::set<int>& of_zone = numbers[zone.zone.Canonical().ToString()];
    for (size_t i = 0; i < zone.servers.size(); ++i) of_zone.insert(plan.numbers[server++]);
  }
  return numbers;
}

ServerOptions WithinWorkers(ServerOptions options) {
  options.upstream_workers = std::min(options.upstream_workers, options.workers);
  options.upstream.limits.workers = options.upstream_workers;
  return options;
}

// A default listener is skipped where its address is absent; the others wait for theirs.
AbsentAddress WhenAbsent(const ListenOptions& listen) {
  return listen.optional ? AbsentAddress::kRefuse : AbsentAddress::kBind;
}

absl::StatusOr<UniqueFd> Bind(const ListenOptions& listen) {
  constexpr int kBacklog = 1024;
  return listen.transport == Transport::kUdp
             ? BindUdp(listen.endpoint, WhenAbsent(listen))
             : BindTcp(listen.endpoint, kBacklog, WhenAbsent(listen));
}

SocketKind KindOf(const ListenOptions& listen) {
  return listen.transport == Transport::kUdp ? SocketKind::kUdp : SocketKind::kTcp;
}

}  // namespace

Server::Server(const ServerOptions& options)
    : options_(WithinWorkers(options)),
      cache_(options.cache, HashSeed::Random()),
      plan_(options_),
      loops_(plan_.Get()->numbers_end),
      handoff_(static_cast<size_t>(options.workers), static_cast<size_t>(options_.upstream_workers),
               static_cast<size_t>(options.limits.tuning.max_handed_queries), cache_.seed()),
      streams_(options.limits.max_streams_per_client),
      handshakes_(options.limits.handshakes_per_second),
      reply_rate_(options.reply_rate),
      top_(static_cast<size_t>(options.workers)),
      snapshot_(options.snapshot, options.upstream, cache_) {}

Server::~Server() = default;

absl::StatusOr<std::unique_ptr<Server>> Server::Create(const ServerOptions& options,
                                                       const InheritedSockets& inherited) {
  auto server = std::unique_ptr<Server>(new Server(options));
  RETURN_IF_ERROR(server->rules_.Load(options));
  RETURN_IF_ERROR(server->LoadCredentials());
  // Before the addresses are bound, because queries would wait meanwhile.
  server->snapshot_.Read();
  ASSIGN_OR_RETURN(server->query_log_, QueryLog::Open(options.query_log, options.workers));
  RETURN_IF_ERROR(server->BindListeners(inherited));
  for (int i = 0; i < options.workers; ++i) {
    server->counters_.push_back(std::make_unique<WorkerCounters>());
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
      const absl::Status free =
          CheckEndpointFree(listen.endpoint, KindOf(listen), WhenAbsent(listen));
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
      listen.endpoint.set_port(LocalEndpoint(fd.get()).port());
      worker.items.push_back({listen, std::move(fd)});
    }
    listeners_.push_back(listen);
    addresses_.Add(listen);
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
  shared_ = std::make_unique<Worker::Shared>(Worker::Shared{
      cache_, rules_.Get(), options_, *credentials_, plan_, loops_, handoff_, streams_, handshakes_,
      reply_rate_, top_, std::make_unique<GatewayWatch>(GatewayWatch::OwnGateways()),
      query_log_.get()});
  for (size_t i = 0; i < sockets_.size(); ++i) {
    workers_.push_back(std::make_unique<Worker>(*shared_, static_cast<int>(i),
                                                std::move(sockets_[i]), *counters_[i]));
  }
  sockets_.clear();
  for (auto& worker : workers_) RETURN_IF_ERROR(worker->Start());
  shared_->rules = nullptr;  // The workers have taken them.
  snapshot_.Start();
  if (query_log_ != nullptr) query_log_->Start();
  const MutexLock lock(running_mutex_);
  running_ = true;
  return absl::OkStatus();
}

bool Server::ready() const {
  if (stopping_.load(std::memory_order_relaxed)) return false;
  const std::shared_ptr<const UpstreamPlan> plan = upstreams();
  bool in_use = false;
  bool connected = false;
  for (int worker = 0; worker < upstream_worker_count(); ++worker) {
    for (size_t i = 0; i < plan->root_servers(); ++i) {
      const UpstreamCounters& upstream = plan->CountersOf(worker, i);
      const bool has_connected =
          upstream.full_handshakes.value() + upstream.resumed_handshakes.value() > 0;
      connected |= has_connected;
      if (upstream.taken_out.value() > 0) continue;
      if (has_connected) return true;
      in_use = true;
    }
  }
  // Servers that come with a reload begin without handshakes.
  return in_use && !connected && was_ready_.load(std::memory_order_relaxed);
}

absl::Status Server::Reload(const ServerOptions& options) {
  if (stopping_) return absl::FailedPreconditionError("the server is stopping");
  was_ready_ = ready();
  ReloadCredentials();
  ASSIGN_OR_RETURN(const auto plan, plan_.Next(options));
  ASSIGN_OR_RETURN(std::unique_ptr<CredentialStore> credentials,
                   CredentialStore::Load(options, credentials_.get()));
  RETURN_IF_ERROR(rules_.Load(options));
  const CredentialChange change = {
      .upstreams = {}, .listen = credentials->current().listen != credentials_->current().listen};
  credentials_->TakeOver(std::move(*credentials));
  const std::shared_ptr<const UpstreamPlan> before = plan_.Get();
  plan_.Set(plan);
  loops_.Grow(plan->numbers_end);
  streams_.UseLimit(options.limits.max_streams_per_client);
  handshakes_.Use(options.limits.handshakes_per_second);
  reply_rate_.Use(options.reply_rate);
  for (auto& worker : workers_) {
    worker->Use(rules_.Get(), plan, credentials_->current());
    if (change.listen) worker->UseCredentials(credentials_->current(), change);
  }
  FlushChangedZones(*before, *plan);
  snapshot_.UseZones(plan->options);
  cache_.Use(options.cache, BootTime());  // Last, because a million entries move in a second.
  return absl::OkStatus();
}

// The records of a zone with other servers may differ. The servers of the root all have the same
// records.
void Server::FlushChangedZones(const UpstreamPlan& before, const UpstreamPlan& after) {
  const auto old_numbers = NumbersByZone(before);
  auto numbers = NumbersByZone(after);
  for (const auto& [zone, of_zone] : old_numbers) numbers.try_emplace(zone);
  for (const auto& [zone, of_zone] : numbers) {
    const auto old = old_numbers.find(zone);
    if (zone == "." || (old != old_numbers.end() && old->second == of_zone)) continue;
    const absl::StatusOr<DomainName> name = DomainName::FromText(zone);
    if (!name.ok()) continue;
    const uint64_t flushed = cache_.Erase(name->Canonical(), QType::kNone, /*below=*/true);
    Log(LogLevel::kInfo, "cache entries removed: the servers of the zone have changed",
        {{"zone", zone}, {"entries", flushed}});
    const ServerTuning& tuning = options_.limits.tuning;
    former_zones_.push_back({name->Canonical(), BootTime() + 2 * tuning.exchange_timeout});
  }
}

// The workers take over other servers after the first flush, and exchanges that have begun end at
// the former servers.
void Server::FlushFormerZones() {
  const MonoTime now = BootTime();
  for (const FormerZone& zone : former_zones_) {
    if (now >= zone.until) cache_.Erase(zone.name, QType::kNone, /*below=*/true);
  }
  std::erase_if(former_zones_, [now](const FormerZone& zone) { return now >= zone.until; });
}

void Server::UseProvider(const std::string& name, bool use) {
  if (stopping_) return;
  for (int i = 0; i < upstream_worker_count(); ++i) {
    workers_[static_cast<size_t>(i)]->UseProvider(name, use);
  }
}

void Server::NoteReload(bool ok) {
  if (query_log_ != nullptr) query_log_->Reopen();
  last_reload_ok_ = ok;
  (ok ? reloads_ : failed_reloads_).Add();
}

void Server::ReloadCredentials() {
  if (stopping_) return;
  rules_.FreeFormer();
  FlushFormerZones();
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
  return *counters_[static_cast<size_t>(worker)];
}

}  // namespace dotcache
