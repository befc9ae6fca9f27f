// SPDX-License-Identifier: Apache-2.0
#include "upstream/exchange/upstream_manager.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "absl/algorithm/container.h"
#include "upstream/exchange/attempt_times.h"
#include "upstream/exchange/exchange_end.h"
#include "upstream/exchange/second_opinion.h"
#include "upstream/pool/attempt_result.h"
#include "upstream/pool/loop_probe.h"

namespace dotcache {
namespace {

constexpr size_t kMaxAddressless = 4096;  // At the limit the next exchange fails.
// Exchanges woken in one turn. The others follow in the next turns.
constexpr size_t kMaxWokenPerTurn = 256;
constexpr Duration kDoubtfulPatience = Milliseconds(10);

}  // namespace

UpstreamManager::UpstreamManager(EventLoop& loop, const UpstreamOptions& options,
                                 Connector& connector, absl::Span<UpstreamCounters> counters,
                                 absl::BitGenRef random, const LoopWatch* loops)
    : UpstreamManager(loop, options, connector, NumberInOrder(counters), random, loops) {}

UpstreamManager::UpstreamManager(EventLoop& loop, const UpstreamOptions& options,
                                 Connector& connector, absl::Span<const NumberedServer> numbered,
                                 absl::BitGenRef random, const LoopWatch* loops)
    : loop_(loop),
      options_(options),
      families_(!options.mode.quiet),
      context_{loop,  options_.limits, connector, random,
               *this, families_,       loops,     options.mode.quiet},
      zones_(context_, options_.zones, numbered),
      exchanges_(loop, [this](ExchangeRecord& exchange) { Proceed(exchange); }),
      wake_timer_(loop.NewTimer([this] { Wake(); })) {}

UpstreamManager::~UpstreamManager() = default;

ExchangeOr<ExchangeId> UpstreamManager::Exchange(const UpstreamQuery& query, MonoTime deadline,
                                                 ExchangeCallback callback) {
  assert(loop_.InLoopThread());
  const MonoTime now = loop_.Now();
  if (draining_) return ExchangeFailure::kUnreachable;
  if (exchanges_.size() >= static_cast<size_t>(options_.limits.tuning.max_exchanges)) {
    return ExchangeFailure::kLimit;
  }
  if (deadline <= now) return ExchangeFailure::kTimeout;
  ExchangeRecord& exchange = exchanges_.Take();
  exchange.query = query;
  const ExchangeFailure failure = Begin(exchange, deadline);
  if (failure != ExchangeFailure::kNone) {
    Release(exchange);
    return failure;
  }
  exchange.callback = std::move(callback);
  hedges_.OnExchange(now);
  return exchange.id;
}

// kNone: it is under way, at the servers of its zone.
ExchangeFailure UpstreamManager::Begin(ExchangeRecord& exchange, MonoTime deadline) {
  const MonoTime now = loop_.Now();
  const Question& question = exchange.query.question;
  UpstreamZone& zone = zones_.Find(question);
  exchange.zone = &zone;
  zone.AddExchange();
  ExchangeProgress& progress = exchange.progress;
  progress.began = now;
  progress.deadline = deadline;
  progress.patient = options_.mode.patient;
  progress.is_loop_probe = ReadLoopProbeName(question.qname).has_value();
  progress.may_hedge = zone.MayHedge();
  progress.times_asked.assign(zone.size(), 0);
  const UpstreamZone::Views views = zone.LookAt(now);
  progress.order = zone.ChooseOrder(question.qname, views, now);
  if (progress.order.empty()) return WaitForAddress(exchange);
  return CarryOut(exchange, views) ? ExchangeFailure::kNone : FailureOf(exchange, now);
}

// No server has an address yet. The timer is the deadline.
ExchangeFailure UpstreamManager::WaitForAddress(ExchangeRecord& exchange) {
  const UpstreamZone& zone = *exchange.zone;
  if (hosts_ != nullptr) hosts_->OnNoAddress(zone);
  if (hosts_ == nullptr || !hosts_->IsPending(zone)) {
    return ExchangeFailure::kUnreachable;
  }
  if (addressless_.size() >= kMaxAddressless) {
    std::erase_if(addressless_, [this](ExchangeId id) { return exchanges_.Find(id) == nullptr; });
  }
  if (addressless_.size() >= kMaxAddressless) return ExchangeFailure::kLimit;
  addressless_.push_back(exchange.id);
  exchange.timer->Start(exchange.progress.deadline - loop_.Now());
  return ExchangeFailure::kNone;
}

// Decides what the exchange does and does it. Returns false if the exchange is at its end.
bool UpstreamManager::CarryOut(ExchangeRecord& exchange, const UpstreamZone::Views& views) {
  UpstreamZone& zone = *exchange.zone;
  ExchangeProgress& progress = exchange.progress;
  const MonoTime now = loop_.Now();
  progress.refused = 0;
  progress.draining = draining_;
  MarkLate(exchange, now);
  if (AllDown(views)) zone.SetUrgent(true);
  while (true) {
    progress.has_hedge_budget = hedges_.HasOne();
    const Decision decision = Next(progress, views, now);
    switch (decision.kind) {
      case Decision::Kind::kFinish:
        return false;
      case Decision::Kind::kAsk:
        Ask(exchange, decision, views);
        continue;
      case Decision::Kind::kWait:
        if (decision.needs_server) WaitForServer(exchange);
        exchange.timer->Start(decision.until - now);
        return true;
    }
  }
}

// The exchange goes on when a server of its zone changes.
void UpstreamManager::WaitForServer(ExchangeRecord& exchange) {
  if (!std::exchange(exchange.waits_for_server, true)) {
    exchange.zone->Wait(exchange.id);
  }
  exchange.zone->ProbeOnDemand();
}

void UpstreamManager::Ask(ExchangeRecord& exchange, const Decision& decision,
                          const UpstreamZone::Views& views) {
  ExchangeProgress& progress = exchange.progress;
  UpstreamServer& server = exchange.zone->server(decision.server);
  const AttemptId id = exchange.NextAttemptId();
  UpstreamServer::SendMode mode{.alone = decision.alone};
  if (decision.apart) mode.apart_from = exchange.LatestConnectionAt(&server);
  const auto sent = server.Send(exchange.query, id, mode);
  if (const UpstreamFailure* failure = std::get_if<UpstreamFailure>(&sent)) {
    progress.refused |= uint64_t{1} << decision.server;
    progress.only_overloaded &= *failure == UpstreamFailure::kOverloaded;
    return;
  }
  Provider& provider = exchange.zone->provider(views[decision.server].provider);
  if (decision.retry) provider.retries().Take();
  if (exchange.attempts_made == 0) provider.retries().OnExchange(loop_.Now());
  if (decision.hedge) {
    hedges_.Take();
    progress.may_hedge = false;
    server.CountHedge();
  }
  ++progress.sent;
  ++progress.times_asked[decision.server];
  NoteAttempt(exchange, decision.server, std::get<AttemptPlace>(sent), views, loop_.Now());
}

void UpstreamManager::Proceed(ExchangeRecord& exchange) {
  if (exchange.zone->is_former() && exchange.attempts.empty() &&
      loop_.Now() < exchange.progress.deadline) {
    BeginAgain(exchange);
  } else if (exchange.progress.order.empty()) {
    Finish(exchange, ExchangeFailure::kTimeout);
  } else if (!CarryOut(exchange, exchange.zone->LookAt(loop_.Now()))) {
    Finish(exchange, EndOf(exchange, loop_.Now()));
  }
}

void UpstreamManager::OnAttemptPlaced(AttemptId attempt, const AttemptPlace& place) {
  const auto [exchange, index] = exchanges_.FindByAttempt(attempt);
  if (exchange == nullptr) return;
  NotePlaced(*exchange, index, place, loop_.Now());
  exchange->timer->Start(Duration::zero());
}

void UpstreamManager::OnAttemptSent(AttemptId attempt) {
  const auto [exchange, index] = exchanges_.FindByAttempt(attempt);
  if (exchange == nullptr) return;
  NoteSent(*exchange, index, exchange->zone->LookAt(loop_.Now()), loop_.Now());
  Proceed(*exchange);
}

void UpstreamManager::OnAttemptResult(AttemptId attempt, AttemptResult result) {
  const auto [exchange, index] = exchanges_.FindByAttempt(attempt);
  if (exchange == nullptr) return;
  ExchangeProgress& progress = exchange->progress;
  const AttemptView view = progress.attempts[index];
  const uint8_t server = view.server;
  const AttemptPlace before = exchange->attempts[index].place;
  UpstreamServer& asked = *exchange->attempts[index].server;
  exchange->RemoveAttempt(index);
  if (const UpstreamFailure* failure = std::get_if<UpstreamFailure>(&result)) {
    if (IsOverdue(view)) progress.given_up |= uint64_t{1} << server;
    progress.only_overloaded &= *failure == UpstreamFailure::kOverloaded;
    if (*failure == UpstreamFailure::kServFail) {
      OnError(*exchange, server, std::nullopt);
      return;
    }
    if (IsConnectFailure(*failure)) {  // The query never left.
      --progress.times_asked[server];
      --progress.sent;
    }
    if (IsUseless(*failure)) {
      progress.saw_useless = true;
      exchange->useless = *failure;
    }
    Proceed(*exchange);
    return;
  }
  UpstreamResponse& response = std::get<UpstreamResponse>(result);
  response.facts.origin = exchange->zone->ProviderOf(server).origin();
  // A server that was replaced gets no query. The same try of the same server is counted once.
  if (&asked == &exchange->zone->server(server)) {
    if (const auto place = asked.SendWithLessEdns(exchange->query, exchange->NextAttemptId(),
                                                  response.facts, before)) {
      NoteAttempt(*exchange, server, *place, exchange->zone->LookAt(loop_.Now()), loop_.Now());
      return Proceed(*exchange);
    }
  }
  if (IsErrorResponse(response.facts) || IsDoubted(*exchange, response, zones_)) {
    OnError(*exchange, server, std::move(response));
    return;
  }
  const DomainName& qname = exchange->query.question.qname;
  exchange->zone->NoteAnswer(server, progress.reported_errors & ~progress.doubted, qname,
                             ErrorOf(*exchange));
  Finish(*exchange, std::move(response));
}

void UpstreamManager::OnError(ExchangeRecord& exchange, uint8_t server,
                              std::optional<UpstreamResponse> response) {
  if (NoteError(exchange, server, std::move(response), loop_.Now())) {
    Finish(exchange, EndOf(exchange, loop_.Now()));
  } else {
    Proceed(exchange);
  }
}

void UpstreamManager::OnAttemptLost(AttemptId attempt, size_t others) {
  const auto [exchange, index] = exchanges_.FindByAttempt(attempt);
  if (exchange != nullptr) {
    NoteLoss(exchange->progress, others);
    // The server has closed it, so it is not too busy to say that the query needs another.
    exchange->progress.attempts[index].free = true;
  }
  OnAttemptResult(attempt, UpstreamFailure::kConnectionLost);
}

// The response may follow at once. If not, there is little to wait for.
void UpstreamManager::OnAttemptDoubtful(AttemptId attempt) {
  const auto [exchange, index] = exchanges_.FindByAttempt(attempt);
  if (exchange == nullptr) return;
  AttemptView& view = exchange->progress.attempts[index];
  view.due = std::min(view.due, loop_.Now() + kDoubtfulPatience);
  Proceed(*exchange);
}

// A change of the network is no sign that the provider has too much to do.
void UpstreamManager::OnAttemptsStalled(const std::vector<AttemptId>& attempts, StallCause cause) {
  std::optional<bool> free;
  if (cause == StallCause::kNetworkChange) free = true;
  for (const AttemptId stalled : attempts) {
    const auto [exchange, index] = exchanges_.FindByAttempt(stalled);
    if (exchange == nullptr) continue;
    AttemptView& view = exchange->progress.attempts[index];
    if (!free.has_value()) free = exchange->zone->ProviderOf(view.server).NoteStall(loop_.Now());
    view.stalled = true;
    view.free = *free;
    Proceed(*exchange);
  }
}

void UpstreamManager::Finish(ExchangeRecord& exchange, ExchangeOr<UpstreamResponse> result) {
  if (!exchange.callback.has_value()) return Release(exchange);
  if (!result.ok() && exchange.zone->is_former() && loop_.Now() < exchange.progress.deadline) {
    return BeginAgain(exchange);
  }
  if (result.ok()) {
    for (const Attempt& other : exchange.attempts) other.server->NoteAnsweredElsewhere(other.place);
  }
  ExchangeCallback callback = *std::move(exchange.callback);
  Release(exchange);
  std::move(callback)(std::move(result));
}

void UpstreamManager::Release(ExchangeRecord& exchange) {
  const auto attempts = exchange.attempts;
  exchange.zone->RemoveExchange();
  if (exchange.zone->is_former()) wake_timer_->Start(Duration::zero());
  exchanges_.Release(exchange);
  for (const Attempt& attempt : attempts) attempt.server->Forget(attempt.id, attempt.place);
}

void UpstreamManager::Cancel(ExchangeId id) {
  assert(loop_.InLoopThread());
  if (ExchangeRecord* exchange = exchanges_.Find(id)) Release(*exchange);
}

void UpstreamManager::OnServerChanged(UpstreamServer& server) {
  UpstreamZone& zone = zones_.ZoneOf(server);
  const bool matters =
      server.health().down() || zone.urgent() || server.drained() || !ready_ || zone.HasWaiting();
  zone.NoteChange();
  for (const auto& former : zones_.former()) former->NoteChange();
  if (matters && !wake_timer_->armed()) wake_timer_->Start(Duration::zero());
}

// One turn after servers have changed.
void UpstreamManager::Wake() {
  if (hosts_ != nullptr) hosts_->OnServersDown();
  for (const auto& zone : zones_.all()) WakeZone(*zone);
  for (const auto& zone : zones_.former()) WakeExchanges(*zone);
  zones_.DropFormer();
}

void UpstreamManager::WakeZone(UpstreamZone& zone) {
  zone.DropRetired();
  const UpstreamZone::Views views = zone.LookAt(loop_.Now());
  const bool all_down = AllDown(views);
  ready_ |= &zone == &zones_.root() &&
            absl::c_any_of(views, [](const ServerView& view) { return view.status.ready; });
  if (!all_down) zone.SetUrgent(false);
  zone.NoteLost(all_down && (hosts_ == nullptr || !hosts_->IsPending(zone)));
  WakeExchanges(zone);
}

void UpstreamManager::WakeExchanges(UpstreamZone& zone) {
  const std::vector<ExchangeId> woken = zone.TakeWoken(kMaxWokenPerTurn);
  if (zone.HasWoken()) wake_timer_->Start(Duration::zero());
  for (const ExchangeId id : woken) {
    ExchangeRecord* exchange = exchanges_.Find(id);
    if (exchange == nullptr) continue;
    exchange->waits_for_server = false;
    Proceed(*exchange);
  }
}

void UpstreamManager::ResolveHostsBy(Exchanger& bootstrap,
                                     absl::AnyInvocable<void()> on_addresses) {
  hosts_ = std::make_unique<UpstreamHosts>(
      context_, zones_.all(), bootstrap,
      [this, told = std::move(on_addresses)](UpstreamZone& zone) mutable {
        OnHostChange(zone);
        told();
      });
}

void UpstreamManager::OnHostChange(UpstreamZone& zone) {
  wake_timer_->Start(Duration::zero());
  RetryAddressless(zone);
}

// Servers of the zone have addresses now, or are in use again.
void UpstreamManager::RetryAddressless(UpstreamZone& zone) {
  const MonoTime now = loop_.Now();
  for (const ExchangeId id : std::exchange(addressless_, {})) {
    ExchangeRecord* exchange = exchanges_.Find(id);
    if (exchange == nullptr) continue;
    if (exchange->zone == &zone) {
      exchange->progress.order =
          zone.ChooseOrder(exchange->query.question.qname, zone.LookAt(now), now);
    }
    if (!exchange->progress.order.empty()) {
      Proceed(*exchange);
    } else if (hosts_->IsPending(*exchange->zone)) {
      addressless_.push_back(id);
    } else {
      Finish(*exchange, ExchangeFailure::kUnreachable);
    }
  }
}

void UpstreamManager::Start() {
  if (hosts_ != nullptr) hosts_->Start();
  if (options_.mode.prewarm) zones_.root().Prepare();
}

void UpstreamManager::Drain() {
  draining_ = true;
  if (hosts_ != nullptr) hosts_->Stop();
  zones_.Drain();
}

NameExplanation UpstreamManager::Explain(const DomainName& name) const {
  assert(loop_.InLoopThread());
  const DomainName canonical = name.Canonical();
  return dotcache::Explain(zones_.Find({canonical, QType::kA}), canonical, loop_.Now());
}

}  // namespace dotcache
