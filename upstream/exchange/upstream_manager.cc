// SPDX-License-Identifier: Apache-2.0
#include "upstream/exchange/upstream_manager.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "core/log.h"
#include "upstream/exchange/exchange_rules.h"
#include "upstream/exchange/exchange_table.h"
#include "upstream/exchange/exchange_walk.h"
#include "upstream/exchange/upstream_hosts.h"
#include "upstream/exchange/upstream_zone.h"
#include "upstream/pool/loop_probe.h"

// How an exchange goes says exchange_rules.h.

namespace dotcache {
namespace {

// Exchanges that wait for the first address; at the limit the next fails.
constexpr size_t kMaxWaiting = 4096;

}  // namespace

struct UpstreamManager::Impl final : private UpstreamServer::Delegate {
  Impl(EventLoop& event_loop, const UpstreamOptions& upstream_options, Connector& connector,
       absl::BitGenRef random_source, bool log_state_changes, const LoopWatch* loops)
      : loop(event_loop),
        options(upstream_options),
        random(random_source),
        families(log_state_changes),
        context{event_loop, options.limits,    connector, random_source,     *this,
                families,   log_state_changes, loops,     options.mode.quiet},
        exchanges(event_loop, [this](ExchangeState& exchange) { OnTimer(exchange); }),
        walk(event_loop, options.mode.patient),
        down_timer(event_loop.NewTimer([this] { OnServersDown(); })) {}

  void AddZones(absl::Span<UpstreamCounters> counters, absl::Span<ProbeGate> probe_gates);
  UpstreamZone& FindZone(const DomainName& qname) const;
  absl::StatusOr<ExchangeId> Begin(const UpstreamQuery& query, MonoTime deadline,
                                   ExchangeCallback callback);
  void OnTimer(ExchangeState& exchange);
  void Proceed(ExchangeState& exchange);
  void Finish(ExchangeState& exchange, absl::StatusOr<UpstreamResponse> result);
  void Release(ExchangeState& exchange);

  void OnAttemptResult(AttemptId attempt, AttemptResult result) override;
  void OnAttemptLost(AttemptId attempt, size_t others) override;
  void OnAttemptDoubtful(AttemptId attempt) override;
  void OnServerReady(UpstreamServer& server) override;
  void OnStall(const std::vector<AttemptId>& attempts) override;
  void OnServerDown() override { down_timer->Start(Duration::zero()); }

  struct Found {
    ExchangeState* exchange = nullptr;
    ActiveAttempt* attempt = nullptr;  // Null when it has ended.
  };
  Found Find(AttemptId attempt);

  absl::Status BeginOrWait(ExchangeState& exchange);
  void ChooseOrder(ExchangeState& exchange);
  void OnHostChange(UpstreamZone& zone);
  void OnServersDown();

  EventLoop& loop;
  const UpstreamOptions options;
  absl::BitGenRef random;
  AddressFamilies families;
  const UpstreamServer::Context context;
  std::vector<std::unique_ptr<UpstreamZone>> zones;  // The root's first.
  absl::flat_hash_map<DomainName, UpstreamZone*> zone_by_name;
  ExchangeTable exchanges;
  ExchangeWalk walk;
  std::unique_ptr<Timer> down_timer;     // For what one turn's servers that went down mean.
  std::unique_ptr<UpstreamHosts> hosts;  // Null where every server is an address.
  std::vector<ExchangeId> waiting;       // For the first address of their zone; some have ended.
  bool ready = false;
  bool draining = false;
};

void UpstreamManager::Impl::AddZones(absl::Span<UpstreamCounters> counters,
                                     absl::Span<ProbeGate> probe_gates) {
  size_t index = 0;
  for (const UpstreamZoneOptions& zone : options.zones) {
    const size_t servers = zone.servers.size();
    zones.push_back(std::make_unique<UpstreamZone>(context, zone, static_cast<int>(index),
                                                   counters.subspan(index, servers),
                                                   probe_gates.subspan(index, servers)));
    zone_by_name[zone.zone.Canonical()] = zones.back().get();
    index += servers;
  }
}

UpstreamZone& UpstreamManager::Impl::FindZone(const DomainName& qname) const {
  if (zones.size() == 1) return *zones.front();
  DomainName name = qname;
  while (name.size() > 1) {
    const auto found = zone_by_name.find(name);
    if (found != zone_by_name.end()) return *found->second;
    name = name.WithoutLabels(1);
  }
  return *zones.front();
}

absl::StatusOr<ExchangeId> UpstreamManager::Impl::Begin(const UpstreamQuery& query,
                                                        MonoTime deadline,
                                                        ExchangeCallback callback) {
  if (draining) return absl::UnavailableError("shutting down");
  if (exchanges.size() >= static_cast<size_t>(options.limits.tuning.max_exchanges)) {
    return absl::ResourceExhaustedError("too many exchanges under way");
  }
  if (deadline <= loop.Now()) return absl::DeadlineExceededError("the deadline has passed");
  const bool are_many =
      exchanges.size() >= static_cast<size_t>(options.limits.tuning.max_exchanges / 8);
  ExchangeState& exchange = exchanges.Take();
  exchange.progress.thrifty = are_many;
  exchange.query = query;
  exchange.progress.began = loop.Now();
  exchange.deadline = deadline;
  exchange.progress.zone = &FindZone(query.question.qname);
  ChooseOrder(exchange);
  const bool has_servers = !exchange.progress.order.empty();
  // Another's probe for loops is answered, that it may see whether the loop is still there.
  const bool known_dead = has_servers && exchange.progress.zone->IsKnownDead() &&
                          !ReadLoopProbeName(query.question.qname).has_value();
  if (absl::Status failure = BeginOrWait(exchange); !failure.ok()) {
    Release(exchange);
    return failure;
  }
  // It goes on without its client, to find out whether a server answers again.
  if (known_dead && !options.mode.patient) {
    return absl::UnavailableError("no upstream server could be reached");
  }
  exchange.callback = std::move(callback);
  walk.OnExchange();
  return exchange.id;
}

void UpstreamManager::Impl::ChooseOrder(ExchangeState& exchange) {
  UpstreamZone& zone = *exchange.progress.zone;
  exchange.progress.order = zone.ChooseOrder(exchange.query.question.qname);
  exchange.progress.times_asked.assign(zone.size(), 0);
}

// Where no server has an address yet the exchange waits for one; its timer is the deadline.
absl::Status UpstreamManager::Impl::BeginOrWait(ExchangeState& exchange) {
  if (!exchange.progress.order.empty()) {
    if (walk.Proceed(exchange)) return absl::OkStatus();
    return FailureStatus(exchange.progress);
  }
  const UpstreamZone& zone = *exchange.progress.zone;
  if (hosts != nullptr) hosts->OnNoAddress(zone);
  if (hosts == nullptr || !hosts->IsPending(zone)) {
    return absl::UnavailableError("no upstream server has a known address");
  }
  if (waiting.size() >= kMaxWaiting) {
    std::erase_if(waiting, [this](ExchangeId id) { return exchanges.Find(id) == nullptr; });
  }
  if (waiting.size() >= kMaxWaiting) return absl::ResourceExhaustedError("too many wait");
  waiting.push_back(exchange.id);
  walk.Rearm(exchange);
  return absl::OkStatus();
}

void UpstreamManager::Impl::OnHostChange(UpstreamZone& zone) {
  OnServerDown();
  for (const ExchangeId id : std::exchange(waiting, {})) {
    ExchangeState* exchange = exchanges.Find(id);
    if (exchange == nullptr) continue;
    if (exchange->progress.zone == &zone) ChooseOrder(*exchange);
    if (!exchange->progress.order.empty()) {
      Proceed(*exchange);
    } else if (hosts->IsPending(*exchange->progress.zone)) {
      waiting.push_back(id);
    } else {
      Finish(*exchange, absl::UnavailableError("no upstream server has a known address"));
    }
  }
}

// Said once each time, until one is connected again.
void UpstreamManager::Impl::OnServersDown() {
  if (hosts != nullptr) hosts->OnServersDown();
  for (const auto& zone : zones) {
    if (!zone->AllDown() || (hosts != nullptr && hosts->IsPending(*zone))) continue;
    if (zone->NoteLost(true) && context.log_state_changes) {
      Log(LogLevel::kWarn, "no upstream reachable", {{"zone", zone->options().zone.ToString()}});
    }
  }
}

void UpstreamManager::Impl::OnStall(const std::vector<AttemptId>& attempts) {
  for (const AttemptId stalled : attempts) {
    if (const Found found = Find(stalled); found.attempt != nullptr) {
      walk.OnStall(*found.exchange, *found.attempt);
    }
  }
}

void UpstreamManager::Impl::OnTimer(ExchangeState& exchange) {
  if (!walk.OnTimer(exchange))
    Finish(exchange, EndOf(exchange.progress, loop.Now() >= exchange.deadline));
}

UpstreamManager::Impl::Found UpstreamManager::Impl::Find(AttemptId attempt) {
  ExchangeState* exchange = exchanges.FindByAttempt(attempt);
  if (exchange == nullptr) return {};
  return {exchange, exchange->progress.FindActive(attempt)};
}

void UpstreamManager::Impl::OnAttemptResult(AttemptId attempt, AttemptResult result) {
  const auto [exchange, active] = Find(attempt);
  if (active == nullptr) return;
  ExchangeState::Progress& progress = exchange->progress;
  const uint8_t server = active->server;
  const uint64_t server_bit = uint64_t{1} << server;
  progress.active.erase(active);

  if (const UpstreamFailure* failure = std::get_if<UpstreamFailure>(&result)) {
    if (*failure == UpstreamFailure::kServFail) progress.error_reporters |= server_bit;
    if (IsConnectFailure(*failure)) NoteNotSent(progress, server);
    NoteFailure(exchange->progress, *failure);
    Proceed(*exchange);
    return;
  }
  UpstreamResponse& response = std::get<UpstreamResponse>(result);
  if (!IsErrorResponse(response) || progress.error_response.has_value()) {
    Finish(*exchange, std::move(response));
    return;
  }
  progress.error_reporters |= server_bit;
  progress.error_response = std::move(response);
  Proceed(*exchange);
}

void UpstreamManager::Impl::OnAttemptLost(AttemptId attempt, size_t others) {
  if (ExchangeState* exchange = exchanges.FindByAttempt(attempt)) {
    NoteLoss(exchange->progress, others);
  }
  OnAttemptResult(attempt, UpstreamFailure::kConnectionLost);
}

void UpstreamManager::Impl::OnAttemptDoubtful(AttemptId attempt) {
  if (const Found found = Find(attempt); found.attempt != nullptr) {
    walk.OnDoubtful(*found.exchange, *found.attempt);
  }
}

// Goes on after an attempt has ended without a final result.
void UpstreamManager::Impl::Proceed(ExchangeState& exchange) {
  if (!walk.Proceed(exchange))
    Finish(exchange, EndOf(exchange.progress, loop.Now() >= exchange.deadline));
}

void UpstreamManager::Impl::Finish(ExchangeState& exchange,
                                   absl::StatusOr<UpstreamResponse> result) {
  if (!exchange.callback.has_value()) return Release(exchange);
  ExchangeCallback callback = *std::move(exchange.callback);
  Release(exchange);
  std::move(callback)(std::move(result));
}

void UpstreamManager::Impl::Release(ExchangeState& exchange) {
  for (const ActiveAttempt& attempt : exchange.progress.active) {
    exchange.progress.zone->Forget(attempt.server, attempt.id);
  }
  exchanges.Release(exchange);
}

void UpstreamManager::Impl::OnServerReady(UpstreamServer& server) {
  const auto zone = std::find_if(zones.begin(), zones.end(),
                                 [&server](const auto& z) { return z->Owns(server); });
  assert(zone != zones.end());
  ready |= zone == zones.begin();
  (*zone)->NoteLost(false);
  (*zone)->OnServerReady();
}

UpstreamManager::UpstreamManager(EventLoop& loop, const UpstreamOptions& options,
                                 Connector& connector, absl::Span<UpstreamCounters> counters,
                                 absl::Span<ProbeGate> probe_gates, absl::BitGenRef random,
                                 bool log_state_changes, const LoopWatch* loops)
    : impl_(std::make_unique<Impl>(loop, options, connector, random, log_state_changes, loops)) {
  impl_->AddZones(counters, probe_gates);
}

UpstreamManager::~UpstreamManager() = default;

void UpstreamManager::ResolveHostsBy(Exchanger& bootstrap,
                                     absl::AnyInvocable<void()> on_addresses) {
  impl_->hosts = std::make_unique<UpstreamHosts>(
      impl_->context, impl_->zones, bootstrap,
      [impl = impl_.get(), told = std::move(on_addresses)](UpstreamZone& zone) mutable {
        impl->OnHostChange(zone);
        told();
      });
}

std::vector<Endpoint> UpstreamManager::Endpoints() const {
  std::vector<Endpoint> endpoints;
  for (const auto& zone : impl_->zones) {
    for (size_t i = 0; i < zone->size(); ++i) {
      endpoints.push_back(zone->server(i).options().endpoint);
    }
  }
  return endpoints;
}

void UpstreamManager::Start() {
  if (impl_->hosts != nullptr) impl_->hosts->Start();
  if (impl_->options.mode.prewarm) impl_->zones.front()->Prepare();
}

bool UpstreamManager::ready() const { return impl_->ready; }

void UpstreamManager::OnTrustChanged(absl::Span<const int> servers) {
  for (const auto& zone : impl_->zones) {
    for (size_t i = 0; i < zone->size(); ++i) {
      UpstreamServer& server = zone->server(i);
      if (absl::c_linear_search(servers, server.index())) server.OnTrustChanged();
    }
  }
}

void UpstreamManager::OnNetworkChange(const NetworkChange& change) {
  assert(impl_->loop.InLoopThread());
  impl_->families.Forget();
  for (const NetworkChange::Peer& peer : change.peers) {
    size_t index = peer.index;
    for (const auto& zone : impl_->zones) {
      if (index < zone->size()) {
        zone->OnNetworkChange(index, peer.link_down);
        break;
      }
      index -= zone->size();
    }
  }
  Start();
}

void UpstreamManager::Drain() {
  impl_->draining = true;
  impl_->walk.Drain();
  if (impl_->hosts != nullptr) impl_->hosts->Stop();
  for (const auto& zone : impl_->zones) zone->Drain();
}

absl::StatusOr<ExchangeId> UpstreamManager::Exchange(const UpstreamQuery& query, MonoTime deadline,
                                                     ExchangeCallback callback) {
  assert(impl_->loop.InLoopThread());
  return impl_->Begin(query, deadline, std::move(callback));
}

void UpstreamManager::Cancel(ExchangeId id) {
  assert(impl_->loop.InLoopThread());
  if (ExchangeState* exchange = impl_->exchanges.Find(id)) impl_->Release(*exchange);
}

NameExplanation UpstreamManager::Explain(const DomainName& name) const {
  assert(impl_->loop.InLoopThread());
  return dotcache::Explain(impl_->FindZone(name.Canonical()), name.Canonical(), impl_->loop.Now());
}

size_t UpstreamManager::exchange_count() const { return impl_->exchanges.size(); }

}  // namespace dotcache
