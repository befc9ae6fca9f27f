#include "upstream/upstream_manager.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "core/siphash.h"
#include "upstream/exchange_rules.h"
#include "upstream/exchange_table.h"
#include "upstream/hedge_budget.h"
#include "upstream/upstream_selector.h"
#include "upstream/upstream_server.h"

// How an exchange goes says exchange_rules.h.

namespace dotcache {
namespace {

// How often an attempt that outwaited its patience for a connection is looked at again.
constexpr Duration kQueuedRecheck = Milliseconds(250);

// A hedge is sent after this many times what nineteen of twenty responses of the best server need.
constexpr int kHedgeTimes = 2;
constexpr Duration kMinHedgeTime = Milliseconds(20);

// While all servers of a zone are down each is probed every second, whatever its back-off says:
// whoever comes back first is wanted.
constexpr Duration kProbeCheck = Milliseconds(100);

constexpr MonoTime kNever = MonoTime::max();
// And with a server that has sent something else than the response.
constexpr Duration kDoubtfulPatience = Milliseconds(10);

UpstreamZone::Share ShareOf(const UpstreamServerOptions& server,
                            const std::vector<UpstreamServerOptions>& servers) {
  const auto addresses = std::count_if(
      servers.begin(), servers.end(),
      [&server](const UpstreamServerOptions& other) { return other.provider == server.provider; });
  const auto* name = reinterpret_cast<const uint8_t*>(server.provider.data());
  return {static_cast<double>(server.weight) / static_cast<double>(addresses),
          SipHash13(HashSeed{}, Bytes(name, server.provider.size()))};
}

// One timer serves the attempts and the exchange.
void Rearm(ExchangeState& exchange, MonoTime now) {
  MonoTime next = exchange.deadline;
  for (const ActiveAttempt& attempt : exchange.progress.active) {
    if (attempt.overdue) continue;
    next = std::min({next, attempt.due, attempt.hedge_at});
  }
  exchange.timer->Start(next - now);
}

}  // namespace

struct UpstreamManager::Impl final : private UpstreamServer::Delegate {
  Impl(EventLoop& event_loop, const UpstreamOptions& upstream_options, Connector& connector,
       absl::BitGenRef random_source, bool log_state_changes)
      : loop(event_loop),
        options(upstream_options),
        random(random_source),
        context{event_loop, options.limits, connector, random_source, *this, log_state_changes},
        exchanges(event_loop, [this](ExchangeState& exchange) { OnTimer(exchange); }) {}

  void AddZones(absl::Span<UpstreamCounters> counters);
  UpstreamZone& FindZone(const DomainName& qname);
  absl::StatusOr<ExchangeId> Begin(const UpstreamQuery& query, MonoTime deadline,
                                   ExchangeCallback callback);
  ServerOrder ChooseOrder(UpstreamZone& zone, const DomainName& qname);
  Duration HedgeTime(const UpstreamZone& zone) const;
  bool TryNext(ExchangeState& exchange);
  void ProbeAll(UpstreamZone& zone);
  void StartWatch(ExchangeState& exchange, ActiveAttempt& attempt);
  void Hedge(ExchangeState& exchange);
  void OnTimer(ExchangeState& exchange);
  void Proceed(ExchangeState& exchange);
  void Finish(ExchangeState& exchange, absl::StatusOr<UpstreamResponse> result);
  void Release(ExchangeState& exchange);

  void OnAttemptResult(AttemptId attempt, AttemptResult result) override;
  void OnAttemptLost(AttemptId attempt, size_t others) override;
  void OnAttemptDoubtful(AttemptId attempt) override;
  void OnServerReady(UpstreamServer& server) override;
  void OnStall(const std::vector<AttemptId>& attempts) override;

  EventLoop& loop;
  const UpstreamOptions options;
  absl::BitGenRef random;
  const UpstreamServer::Context context;
  std::vector<std::unique_ptr<UpstreamZone>> zones;  // The root's first.
  absl::flat_hash_map<DomainName, UpstreamZone*> zone_by_name;
  ExchangeTable exchanges;
  HedgeBudget hedge_budget;
  bool ready = false;
  bool draining = false;
};

void UpstreamManager::Impl::AddZones(absl::Span<UpstreamCounters> counters) {
  int index = 0;
  for (const UpstreamZoneOptions& zone_options : options.zones) {
    zones.push_back(std::make_unique<UpstreamZone>(
        UpstreamZone{UpstreamSelector(zone_options.policy), {}, {}, false, {}, nullptr}));
    UpstreamZone& zone = *zones.back();
    zone.probe_timer = loop.NewTimer([this, &zone] { ProbeAll(zone); });
    zone_by_name[zone_options.zone.Canonical()] = &zone;
    for (const UpstreamServerOptions& server : zone_options.servers) {
      zone.servers.push_back(std::make_unique<UpstreamServer>(
          context, server, index, counters[static_cast<size_t>(index)]));
      zone.shares.push_back(ShareOf(server, zone_options.servers));
      ++index;
    }
  }
}

UpstreamZone& UpstreamManager::Impl::FindZone(const DomainName& qname) {
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
  exchange.deadline = deadline;
  exchange.progress.zone = &FindZone(query.question.qname);
  exchange.progress.order = ChooseOrder(*exchange.progress.zone, query.question.qname);
  exchange.progress.times_asked.assign(exchange.progress.order.size(), 0);
  if (!TryNext(exchange)) {
    absl::Status failure = FailureStatus(exchange.progress);
    Release(exchange);
    return failure;
  }
  exchange.callback = std::move(callback);
  hedge_budget.OnExchange();
  Rearm(exchange, loop.Now());
  return exchange.id;
}

ServerOrder UpstreamManager::Impl::ChooseOrder(UpstreamZone& zone, const DomainName& qname) {
  if (zone.servers.size() == 1) return {0};
  absl::InlinedVector<ServerSnapshot, 8> snapshots;
  for (const auto& server : zone.servers) {
    snapshots.push_back(server->Snapshot());
    snapshots.back().weight = zone.shares[snapshots.size() - 1].weight;
    snapshots.back().provider_hash = zone.shares[snapshots.size() - 1].provider_hash;
  }
  // The same for all workers and after a restart: no secret.
  const bool sticky = zone.selector.policy() == SelectionPolicy::kStickyHash;
  const uint64_t name_hash = sticky ? SipHash13(HashSeed{}, qname.wire()) : 0;
  ServerChoice choice = zone.selector.Choose(snapshots, random, name_hash);
  if (choice.connect.has_value()) {
    zone.servers[static_cast<size_t>(*choice.connect)]->Prepare();
  }
  return std::move(choice.order);
}

// Walks on until a server has the query. False when none takes it.
bool UpstreamManager::Impl::TryNext(ExchangeState& exchange) {
  ExchangeState::Progress& progress = exchange.progress;
  UpstreamZone& zone = *progress.zone;
  const size_t servers = progress.order.size();
  if (!MayAskMore(progress)) return false;
  const bool known_dead = IsKnownDead(zone, loop.Now());
  for (size_t passed = 0; passed < servers; ++passed) {
    const uint8_t index = progress.order[progress.next++ % servers];
    if (!MayAsk(progress, index)) continue;
    UpstreamServer& server = *zone.servers[index];
    UpstreamServer::SendMode mode = ModeFor(progress, index);
    mode.last_resort = server.down() && AllDown(zone);
    if (mode.last_resort && !std::exchange(zone.was_all_down, true)) ProbeAll(zone);
    if (known_dead) {
      NoteFailure(exchange.progress, server.health().last_failure());
      continue;
    }
    const AttemptId attempt = exchange.NextAttemptId();
    const auto failure = server.Send(exchange.query, attempt, mode);
    if (failure.has_value()) {
      NoteFailure(exchange.progress, *failure);
      continue;
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
  return false;
}

void UpstreamManager::Impl::ProbeAll(UpstreamZone& zone) {
  if (!zone.was_all_down || draining) return;
  for (const auto& server : zone.servers) server->ProbeEverySecond();
  zone.probe_timer->Start(kProbeCheck);
}

// The attempt has been sent: sets when it is hedged. A server on probation is given as long as it
// takes to tell.
void UpstreamManager::Impl::StartWatch(ExchangeState& exchange, ActiveAttempt& attempt) {
  const UpstreamZone& zone = *exchange.progress.zone;
  const UpstreamServer& server = *zone.servers[attempt.server];
  const bool on_trial = server.health().state() == UpstreamHealth::State::kProbation;
  if (!options.limits.hedge || exchange.progress.hedged || on_trial) return;
  // A hedge would tell the name to another provider.
  if (zone.selector.policy() == SelectionPolicy::kStickyHash) return;
  if (zone.servers.size() == 1) return;
  attempt.hedge_at = loop.Now() + HedgeTime(zone);
}

Duration UpstreamManager::Impl::HedgeTime(const UpstreamZone& zone) const {
  Duration best = options.limits.max_attempt_timeout;
  for (const auto& server : zone.servers) {
    const auto slow = server->health().slow_response_time();
    if (!server->down() && slow.has_value()) best = std::min(best, *slow);
  }
  return std::max(kMinHedgeTime, kHedgeTimes * best);
}

// Asks another server, too, if the budget allows it.
void UpstreamManager::Impl::Hedge(ExchangeState& exchange) {
  ExchangeState::Progress& progress = exchange.progress;
  if (progress.hedged || !hedge_budget.HasOne() || !TryNext(exchange)) return;
  hedge_budget.Take();
  progress.hedged = true;
  ActiveAttempt& hedge = progress.active.back();
  for (ActiveAttempt& attempt : progress.active) {
    attempt.hedge_at = kNever;
    attempt.moved_on |= &attempt != &hedge;
  }
  progress.zone->servers[hedge.server]->CountHedge();
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
  bool patience_ended = false;
  bool hedge = false;
  for (ActiveAttempt& attempt : exchange.progress.active) {
    if (attempt.overdue) continue;
    UpstreamServer& server = *exchange.progress.zone->servers[attempt.server];
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
  if (now < exchange.deadline) {
    if (patience_ended) {
      TryNext(exchange);
    } else if (hedge) {
      Hedge(exchange);
    }
    Rearm(exchange, now);
  } else if (exchange.progress.error_response.has_value()) {
    Finish(exchange, *std::move(exchange.progress.error_response));
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
  const uint64_t server_bit = uint64_t{1} << active->server;
  progress.active.erase(active);

  if (const UpstreamFailure* failure = std::get_if<UpstreamFailure>(&result)) {
    if (*failure == UpstreamFailure::kServFail) progress.error_reporters |= server_bit;
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

// Goes on after an attempt has ended without a final result.
void UpstreamManager::Impl::Proceed(ExchangeState& exchange) {
  if (TryNext(exchange) || !exchange.progress.active.empty()) {
    Rearm(exchange, loop.Now());
  } else if (exchange.progress.error_response.has_value()) {
    Finish(exchange, *std::move(exchange.progress.error_response));
  } else {
    Finish(exchange, FailureStatus(exchange.progress));
  }
}

void UpstreamManager::Impl::Finish(ExchangeState& exchange,
                                   absl::StatusOr<UpstreamResponse> result) {
  ExchangeCallback callback = *std::move(exchange.callback);
  Release(exchange);
  std::move(callback)(std::move(result));
}

void UpstreamManager::Impl::Release(ExchangeState& exchange) {
  for (const ActiveAttempt& attempt : exchange.progress.active) {
    exchange.progress.zone->servers[attempt.server]->Forget(attempt.id);
  }
  exchanges.Release(exchange);
}

void UpstreamManager::Impl::OnServerReady(UpstreamServer& server) {
  const auto zone = std::find_if(zones.begin(), zones.end(), [&server](const auto& z) {
    return std::any_of(z->servers.begin(), z->servers.end(),
                       [&server](const auto& s) { return s.get() == &server; });
  });
  assert(zone != zones.end());
  ready |= zone == zones.begin();
  // When all were down the cause was most likely one for all: it is gone for the others, too.
  if (!std::exchange((*zone)->was_all_down, false)) return;
  for (const auto& other : (*zone)->servers) other->ProbeNow();
}

UpstreamManager::UpstreamManager(EventLoop& loop, const UpstreamOptions& options,
                                 Connector& connector, absl::Span<UpstreamCounters> counters,
                                 absl::BitGenRef random, bool log_state_changes)
    : impl_(std::make_unique<Impl>(loop, options, connector, random, log_state_changes)) {
  impl_->AddZones(counters);
}

UpstreamManager::~UpstreamManager() = default;

void UpstreamManager::Start() {
  if (!impl_->options.prewarm) return;
  for (const auto& server : impl_->zones.front()->servers) server->Prepare();
}

bool UpstreamManager::ready() const { return impl_->ready; }

void UpstreamManager::Drain() {
  impl_->draining = true;
  for (const auto& zone : impl_->zones) {
    for (const auto& server : zone->servers) server->Drain();
  }
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

size_t UpstreamManager::exchange_count() const { return impl_->exchanges.size(); }

}  // namespace dotcache
