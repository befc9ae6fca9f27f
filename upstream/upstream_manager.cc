#include "upstream/upstream_manager.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "core/log.h"
#include "upstream/exchange_rules.h"
#include "upstream/exchange_table.h"
#include "upstream/hedge_budget.h"
#include "upstream/loop_probe.h"
#include "upstream/upstream_hosts.h"
#include "upstream/upstream_zone.h"

// How an exchange goes says exchange_rules.h.

namespace dotcache {
namespace {

// How often an attempt that outwaited its patience for a connection is looked at again.
constexpr Duration kQueuedRecheck = Milliseconds(250);

// Exchanges that wait for the first address; at the limit the next fails.
constexpr size_t kMaxWaiting = 4096;

constexpr MonoTime kNever = MonoTime::max();
// And with a server that has sent something else than the response.
constexpr Duration kDoubtfulPatience = Milliseconds(10);

// How often an exchange for which there is no server looks for one; and one that all are late for,
// whether they are known to be dead.
constexpr Duration kHoldCheck = Milliseconds(50);
constexpr Duration kLateCheck = Milliseconds(250);

bool AllOverdue(const ExchangeState& exchange) {
  return std::all_of(exchange.progress.active.begin(), exchange.progress.active.end(),
                     [](const ActiveAttempt& attempt) { return attempt.overdue; });
}

// One server has reported an error, and who might know better is long in being connected to.
bool IsErrorAllThatIsLeft(const ExchangeState::Progress& progress) {
  return progress.error_response.has_value() &&
         std::all_of(progress.active.begin(), progress.active.end(),
                     [](const ActiveAttempt& attempt) { return attempt.queued; });
}

// One timer serves the attempts and the exchange.
void Rearm(ExchangeState& exchange, MonoTime now) {
  MonoTime next = exchange.deadline;
  if (exchange.progress.active.empty()) {
    if (!exchange.progress.order.empty()) next = std::min(next, now + kHoldCheck);
  } else if (AllOverdue(exchange)) {
    next = std::min(next, now + kLateCheck);
  }
  for (const ActiveAttempt& attempt : exchange.progress.active) {
    if (attempt.overdue) continue;
    next = std::min({next, attempt.due, attempt.hedge_at});
  }
  exchange.timer->Start(next - now);
}

}  // namespace

struct UpstreamManager::Impl final : private UpstreamServer::Delegate {
  Impl(EventLoop& event_loop, const UpstreamOptions& upstream_options, Connector& connector,
       absl::BitGenRef random_source, bool log_state_changes, const LoopWatch* loops)
      : loop(event_loop),
        options(upstream_options),
        random(random_source),
        families(log_state_changes),
        context{event_loop, options.limits, connector,         random_source,
                *this,      families,       log_state_changes, loops},
        exchanges(event_loop, [this](ExchangeState& exchange) { OnTimer(exchange); }),
        down_timer(event_loop.NewTimer([this] { OnServersDown(); })) {}

  void AddZones(absl::Span<UpstreamCounters> counters, absl::Span<ProbeGate> probe_gates);
  UpstreamZone& FindZone(const DomainName& qname) const;
  absl::StatusOr<ExchangeId> Begin(const UpstreamQuery& query, MonoTime deadline,
                                   ExchangeCallback callback);
  enum class Why { kNeeded, kHedge };
  bool TryNext(ExchangeState& exchange, Why why = Why::kNeeded);
  bool TryInOrder(ExchangeState& exchange, Why why);
  bool TryDown(ExchangeState& exchange);
  bool Ask(ExchangeState& exchange, uint8_t index, UpstreamServer::SendMode mode);
  void StartWatch(ExchangeState& exchange, ActiveAttempt& attempt);
  void Hedge(ExchangeState& exchange);
  void OnTimer(ExchangeState& exchange);
  bool MayHold(const ExchangeState& exchange) const;
  void Proceed(ExchangeState& exchange);
  void Finish(ExchangeState& exchange, absl::StatusOr<UpstreamResponse> result);
  void Release(ExchangeState& exchange);

  void OnAttemptResult(AttemptId attempt, AttemptResult result) override;
  void OnAttemptLost(AttemptId attempt, size_t others) override;
  void OnAttemptDoubtful(AttemptId attempt) override;
  void OnServerReady(UpstreamServer& server) override;
  void OnStall(const std::vector<AttemptId>& attempts) override;
  void OnServerDown() override { down_timer->Start(Duration::zero()); }

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
  HedgeBudget hedge_budget;
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
  if (exchanges.size() >= static_cast<size_t>(options.limits.max_exchanges)) {
    return absl::ResourceExhaustedError("too many exchanges under way");
  }
  if (deadline <= loop.Now()) return absl::DeadlineExceededError("the deadline has passed");
  ExchangeState& exchange = exchanges.Take();
  exchange.query = query;
  exchange.began = loop.Now();
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
  Rearm(exchange, loop.Now());
  // It goes on without its client, to find out whether a server answers again.
  if (known_dead && !options.patient) {
    return absl::UnavailableError("no upstream server could be reached");
  }
  exchange.callback = std::move(callback);
  hedge_budget.OnExchange();
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
    if (TryNext(exchange) || MayHold(exchange)) return absl::OkStatus();
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

// Has a server take the query. False when none does.
bool UpstreamManager::Impl::TryNext(ExchangeState& exchange, Why why) {
  return TryInOrder(exchange, why) || (why == Why::kNeeded && TryDown(exchange));
}

// Walks on until a server takes it.
bool UpstreamManager::Impl::TryInOrder(ExchangeState& exchange, Why why) {
  ExchangeState::Progress& progress = exchange.progress;
  UpstreamZone& zone = *progress.zone;
  const size_t servers = progress.order.size();
  if (!MayAskMore(progress)) return false;
  const bool known_dead = zone.IsKnownDead() && zone.AllUseless();
  for (size_t passed = 0; passed < servers; ++passed) {
    const uint8_t index = progress.order[progress.next++ % servers];
    if (!MayAsk(progress, index)) continue;
    UpstreamServer& server = zone.server(index);
    if (why == Why::kHedge && server.options().metered) continue;
    UpstreamServer::SendMode mode = ModeFor(progress, index);
    mode.last_resort = server.down() && zone.AllDown();
    if (mode.last_resort) zone.OnFoundAllDown();
    mode.last_resort &= !zone.IsKnownDead();
    if (known_dead) {
      NoteFailure(exchange.progress, server.health().last_failure());
      continue;
    }
    if (Ask(exchange, index, mode)) return true;
  }
  return false;
}

// Servers that are up have been asked in vain, so those that are down are probed, at most once a
// second, and the query goes along: they may have been repaired long before their next probe.
bool UpstreamManager::Impl::TryDown(ExchangeState& exchange) {
  const ExchangeState::Progress& progress = exchange.progress;
  UpstreamZone& zone = *progress.zone;
  if (draining || !MayAskMore(progress) || zone.AllDown()) return false;
  for (const uint8_t index : progress.order) {
    UpstreamServer& server = zone.server(index);
    if (!server.down() || server.unusable() || !MayAsk(progress, index)) continue;
    server.ProbeEverySecond();
    if (Ask(exchange, index, {.with_probe = true})) return true;
  }
  return false;
}

bool UpstreamManager::Impl::Ask(ExchangeState& exchange, uint8_t index,
                                UpstreamServer::SendMode mode) {
  ExchangeState::Progress& progress = exchange.progress;
  UpstreamServer& server = progress.zone->server(index);
  const AttemptId attempt = exchange.NextAttemptId();
  const auto failure = server.Send(exchange.query, attempt, mode);
  if (failure.has_value()) {
    NoteFailure(progress, *failure);
    return false;
  }
  ++progress.attempts_made;
  ++progress.times_asked[index];
  progress.active.push_back({.id = attempt,
                             .server = index,
                             .queued = server.IsQueued(attempt),
                             .due = loop.Now() + server.Patience(attempt),
                             .hedge_at = kNever});
  if (!progress.active.back().queued) StartWatch(exchange, progress.active.back());
  return true;
}

// The attempt has been sent: sets when it is hedged. A server on probation is given as long as it
// takes to tell.
void UpstreamManager::Impl::StartWatch(ExchangeState& exchange, ActiveAttempt& attempt) {
  const UpstreamZone& zone = *exchange.progress.zone;
  const UpstreamServer& server = zone.server(attempt.server);
  const bool on_trial = server.health().state() == UpstreamHealth::State::kProbation;
  if (!zone.MayHedge() || exchange.progress.hedged || on_trial) return;
  attempt.hedge_at = loop.Now() + zone.HedgeTime();
}

// Asks another server, too, if the budget allows it.
void UpstreamManager::Impl::Hedge(ExchangeState& exchange) {
  ExchangeState::Progress& progress = exchange.progress;
  if (progress.hedged || !hedge_budget.HasOne() || !TryNext(exchange, Why::kHedge)) return;
  hedge_budget.Take();
  progress.hedged = true;
  ActiveAttempt& hedge = progress.active.back();
  for (ActiveAttempt& attempt : progress.active) {
    attempt.hedge_at = kNever;
    attempt.moved_on |= &attempt != &hedge;
  }
  progress.zone->server(hedge.server).CountHedge();
}

// Queries on a connection that has stalled go elsewhere, once each and whatever the budget says.
void UpstreamManager::Impl::OnStall(const std::vector<AttemptId>& attempts) {
  for (const AttemptId stalled : attempts) {
    ExchangeState* exchange = exchanges.FindByAttempt(stalled);
    if (exchange == nullptr) continue;
    ActiveAttempt* attempt = exchange->progress.FindActive(stalled);
    if (attempt == nullptr || std::exchange(attempt->moved_on, true)) continue;
    attempt->hedge_at = kNever;
    if (TryNext(*exchange)) Rearm(*exchange, loop.Now());
  }
}

void UpstreamManager::Impl::OnTimer(ExchangeState& exchange) {
  const MonoTime now = loop.Now();
  const bool has_servers = !exchange.progress.order.empty();
  const bool is_held = exchange.progress.active.empty() && has_servers;
  if (is_held && now < exchange.deadline) return Proceed(exchange);
  bool patience_ended = false;
  bool hedge = false;
  for (ActiveAttempt& attempt : exchange.progress.active) {
    if (attempt.overdue) continue;
    UpstreamServer& server = exchange.progress.zone->server(attempt.server);
    if (attempt.hedge_at <= now) {
      attempt.hedge_at = kNever;
      hedge |= !attempt.moved_on;
    }
    if (attempt.due > now) continue;
    if (attempt.queued && !server.IsQueued(attempt.id)) {
      attempt.queued = false;  // It was sent meanwhile, so its time has only begun.
      attempt.due = now + server.Patience(attempt.id);
      StartWatch(exchange, attempt);
      if (attempt.due > now) continue;
    }
    if (attempt.queued) {  // Its time is still to begin; only the first wait asks elsewhere.
      attempt.due = now + kQueuedRecheck;
      patience_ended |= !std::exchange(attempt.moved_on, true);
      continue;
    }
    attempt.overdue = true;
    patience_ended = true;
    server.OnAttemptTimeout(attempt.id);
  }
  const bool in_vain =
      !options.patient && AllOverdue(exchange) && exchange.progress.zone->IsKnownDead();
  if (now < exchange.deadline && !in_vain) {
    if (patience_ended) {
      const bool moved_on = TryNext(exchange);
      if (!moved_on && IsErrorAllThatIsLeft(exchange.progress)) {
        return Finish(exchange, *std::move(exchange.progress.error_response));
      }
      for (ActiveAttempt& attempt : exchange.progress.active) {
        if (attempt.queued) attempt.moved_on &= moved_on;  // Else it is tried at the next recheck.
      }
    } else if (hedge) {
      Hedge(exchange);
    }
    Rearm(exchange, now);
  } else if (exchange.progress.error_response.has_value()) {
    Finish(exchange, *std::move(exchange.progress.error_response));
  } else if (is_held) {
    Finish(exchange, FailureStatus(exchange.progress));
  } else {
    Finish(exchange, absl::DeadlineExceededError("no upstream server answered in time"));
  }
}

void UpstreamManager::Impl::OnAttemptResult(AttemptId attempt, AttemptResult result) {
  ExchangeState* exchange = exchanges.FindByAttempt(attempt);
  if (exchange == nullptr) return;
  ExchangeState::Progress& progress = exchange->progress;
  ActiveAttempt* active = progress.FindActive(attempt);
  if (active == nullptr) return;
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

// The right response may follow at once; if not, there is little to wait for.
void UpstreamManager::Impl::OnAttemptDoubtful(AttemptId attempt) {
  ExchangeState* exchange = exchanges.FindByAttempt(attempt);
  if (exchange == nullptr) return;
  ActiveAttempt* active = exchange->progress.FindActive(attempt);
  if (active == nullptr) return;
  active->queued = false;
  active->due = std::min(active->due, loop.Now() + kDoubtfulPatience);
  Rearm(*exchange, loop.Now());
}

// Whether to wait for a server when none takes the query because none can be connected to: until
// all are known to be dead. Who starts again is back soon, and so is a way that was interrupted.
// Where some are up and have failed this query, until those that are down have been probed for it.
bool UpstreamManager::Impl::MayHold(const ExchangeState& exchange) const {
  const ExchangeState::Progress& progress = exchange.progress;
  const UpstreamZone& zone = *progress.zone;
  if (draining || progress.error_response.has_value()) return false;
  if (progress.saw_useless_response || progress.saw_loop) return false;
  if (progress.only_overloaded || !MayAskAny(progress)) return false;
  if (options.patient) return true;
  if (zone.IsKnownDead()) return false;
  if (zone.AllDown()) return true;
  return std::any_of(progress.order.begin(), progress.order.end(), [&](uint8_t index) {
    const UpstreamServer& server = zone.server(index);
    const bool in_vain = server.down() && server.last_failure_at() > exchange.began;
    return MayAsk(progress, index) && !in_vain;
  });
}

// Goes on after an attempt has ended without a final result.
void UpstreamManager::Impl::Proceed(ExchangeState& exchange) {
  if (TryNext(exchange) || !exchange.progress.active.empty() || MayHold(exchange)) {
    Rearm(exchange, loop.Now());
  } else if (exchange.progress.error_response.has_value()) {
    Finish(exchange, *std::move(exchange.progress.error_response));
  } else {
    Finish(exchange, FailureStatus(exchange.progress));
  }
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
  if (impl_->options.prewarm) impl_->zones.front()->Prepare();
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
