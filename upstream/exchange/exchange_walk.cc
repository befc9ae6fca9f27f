// SPDX-License-Identifier: Apache-2.0
#include "upstream/exchange/exchange_walk.h"

#include <algorithm>
#include <utility>

#include "upstream/exchange/exchange_rules.h"
#include "upstream/exchange/upstream_zone.h"

namespace dotcache {
namespace {

// How often an attempt that outwaited its patience for a connection is looked at again.
constexpr Duration kQueuedRecheck = Milliseconds(250);
// How long to wait for a server that has sent something else than the response.
constexpr Duration kDoubtfulPatience = Milliseconds(10);
// How often an exchange for which there is no server looks for one; and one that all are late for,
// whether they are known to be dead.
constexpr Duration kHoldCheck = Milliseconds(50);
constexpr Duration kLateCheck = Milliseconds(500);
constexpr MonoTime kNever = MonoTime::max();

using Progress = ExchangeState::Progress;

bool AllOverdue(const Progress& progress) {
  return std::all_of(progress.active.begin(), progress.active.end(),
                     [](const ActiveAttempt& attempt) { return attempt.overdue; });
}

// Servers have said what there is to say, and who might know better was down: it does not let
// itself be connected to, or is still to answer its first query.
bool IsAllThatIsLeft(const Progress& progress) {
  if (!progress.error_response.has_value() && !progress.saw_useless_response) return false;
  return std::all_of(progress.active.begin(), progress.active.end(),
                     [&progress](const ActiveAttempt& attempt) {
                       const UpstreamServer& server = progress.zone->server(attempt.server);
                       if ((progress.error_reporters >> attempt.server & 1) != 0) return true;
                       if (attempt.overdue) return server.useless();
                       return server.down() && server.IsQueued(attempt.id) &&
                              server.Patience(attempt.id) <= Duration::zero();
                     });
}

}  // namespace

bool ExchangeWalk::Proceed(ExchangeState& exchange) {
  if (!TryNext(exchange) && exchange.progress.active.empty() && !MayHold(exchange)) return false;
  Rearm(exchange);
  return true;
}

bool ExchangeWalk::OnTimer(ExchangeState& exchange) {
  Progress& progress = exchange.progress;
  const MonoTime now = loop_.Now();
  const bool is_held = progress.active.empty() && !progress.order.empty();
  if (is_held) return now < exchange.deadline && Proceed(exchange);
  bool patience_ended = false;
  bool hedge = false;
  for (ActiveAttempt& attempt : progress.active) {
    if (attempt.overdue) continue;
    if (attempt.hedge_at <= now) {
      attempt.hedge_at = kNever;
      hedge |= !attempt.moved_on;
    }
    patience_ended |= attempt.due <= now && !HasPatience(exchange, attempt);
  }
  if (now >= exchange.deadline) return false;
  patience_ended |= AllOverdue(progress);  // Others may be up or known to be in vain by now.
  if (!patient_ && AllOverdue(progress) && progress.zone->IsKnownDead()) return false;
  if (patience_ended) {
    const bool moved_on = TryNext(exchange);
    if (!moved_on && IsAllThatIsLeft(progress)) return false;
    for (ActiveAttempt& attempt : progress.active) {
      if (attempt.queued) attempt.moved_on &= moved_on;  // Else it is tried at the next recheck.
    }
  } else if (hedge) {
    Hedge(exchange);
  }
  Rearm(exchange);
  return true;
}

// False when it is time to ask elsewhere, too.
bool ExchangeWalk::HasPatience(ExchangeState& exchange, ActiveAttempt& attempt) {
  const MonoTime now = loop_.Now();
  UpstreamServer& server = exchange.progress.zone->server(attempt.server);
  if (attempt.queued && !server.IsQueued(attempt.id)) {
    attempt.queued = false;  // It was sent meanwhile, so its time has only begun.
    attempt.due = now + server.Patience(attempt.id);
    StartWatch(exchange, attempt);
    if (attempt.due > now) return true;
  }
  if (attempt.queued) {  // Its time is still to begin; only the first wait asks elsewhere.
    attempt.due = now + kQueuedRecheck;
    return std::exchange(attempt.moved_on, true);
  }
  attempt.overdue = true;
  server.OnAttemptTimeout(attempt.id);
  return false;
}

void ExchangeWalk::OnStall(ExchangeState& exchange, ActiveAttempt& attempt) {
  if (std::exchange(attempt.moved_on, true)) return;
  attempt.hedge_at = kNever;
  if (TryNext(exchange)) Rearm(exchange);
}

// The right response may follow at once; if not, there is little to wait for.
void ExchangeWalk::OnDoubtful(ExchangeState& exchange, ActiveAttempt& attempt) {
  attempt.queued = false;
  attempt.due = std::min(attempt.due, loop_.Now() + kDoubtfulPatience);
  Rearm(exchange);
}

void ExchangeWalk::Rearm(ExchangeState& exchange) {
  const Progress& progress = exchange.progress;
  const MonoTime now = loop_.Now();
  MonoTime next = exchange.deadline;
  if (progress.active.empty()) {
    if (!progress.order.empty()) next = std::min(next, now + kHoldCheck);
  } else if (AllOverdue(progress)) {
    next = std::min(next, now + kLateCheck);
  }
  for (const ActiveAttempt& attempt : progress.active) {
    if (attempt.overdue) continue;
    next = std::min({next, attempt.due, attempt.hedge_at});
  }
  exchange.timer->Start(next - now);
}

// Has a server take the query. False when none does.
bool ExchangeWalk::TryNext(ExchangeState& exchange, Why why) {
  return TryInOrder(exchange, why) || (why == Why::kNeeded && TryDown(exchange));
}

// Walks on until a server takes it.
bool ExchangeWalk::TryInOrder(ExchangeState& exchange, Why why) {
  Progress& progress = exchange.progress;
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
      NoteFailure(progress, server.health().last_failure());
      continue;
    }
    if (Ask(exchange, index, mode)) return true;
  }
  return false;
}

// Servers that are up have been asked in vain, so one that is down is probed, and the query goes
// along: it may have been repaired long before its next probe. Who has an error to report does so
// once.
bool ExchangeWalk::TryDown(ExchangeState& exchange) {
  Progress& progress = exchange.progress;
  UpstreamZone& zone = *progress.zone;
  if (draining_ || !MayAskMore(progress) || zone.AllDown()) return false;
  if (zone.IsKnownDead() && zone.AllUseless()) return false;
  if (progress.went_with_probe && progress.error_response.has_value()) return false;
  for (const uint8_t index : progress.order) {
    UpstreamServer& server = zone.server(index);
    if (!server.down() || server.unusable() || !MayAsk(progress, index)) continue;
    server.ProbeOnDemand();
    // What may be why connections were lost must not cost it the one on which it has to answer.
    if (progress.losses > 1 && server.health().must_answer()) continue;
    if (!Ask(exchange, index, {.with_probe = true})) continue;
    progress.went_with_probe = true;
    return true;
  }
  return false;
}

bool ExchangeWalk::Ask(ExchangeState& exchange, uint8_t index, UpstreamServer::SendMode mode) {
  Progress& progress = exchange.progress;
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
                             .due = loop_.Now() + server.Patience(attempt),
                             .hedge_at = kNever});
  if (!progress.active.back().queued) StartWatch(exchange, progress.active.back());
  return true;
}

// The attempt has been sent: sets when it is hedged. A server on probation is given as long as it
// takes to tell.
void ExchangeWalk::StartWatch(ExchangeState& exchange, ActiveAttempt& attempt) {
  const UpstreamZone& zone = *exchange.progress.zone;
  const UpstreamServer& server = zone.server(attempt.server);
  const bool on_trial = server.health().state() == UpstreamHealth::State::kProbation;
  if (!zone.MayHedge() || exchange.progress.hedged || on_trial) return;
  attempt.hedge_at = loop_.Now() + zone.HedgeTime();
}

// Asks another server, too, if the budget allows it.
void ExchangeWalk::Hedge(ExchangeState& exchange) {
  Progress& progress = exchange.progress;
  if (progress.hedged || !hedge_budget_.HasOne() || !TryNext(exchange, Why::kHedge)) return;
  hedge_budget_.Take();
  progress.hedged = true;
  ActiveAttempt& hedge = progress.active.back();
  for (ActiveAttempt& attempt : progress.active) {
    attempt.hedge_at = kNever;
    attempt.moved_on |= &attempt != &hedge;
  }
  progress.zone->server(hedge.server).CountHedge();
}

// Whether to wait for a server when none takes the query because none can be connected to: until
// all are known to be dead. Who starts again is back soon, and so is a way that was interrupted.
// Where some are up and have failed this query, until those that are down have been probed for it.
bool ExchangeWalk::MayHold(const ExchangeState& exchange) const {
  const Progress& progress = exchange.progress;
  const UpstreamZone& zone = *progress.zone;
  if (draining_ || progress.error_response.has_value()) return false;
  if (progress.saw_useless_response || progress.saw_loop) return false;
  if (progress.only_overloaded || !MayAskAny(progress)) return false;
  if (patient_) return true;
  if (zone.IsKnownDead()) return false;
  if (zone.AllDown()) return true;
  return std::any_of(progress.order.begin(), progress.order.end(), [&progress](uint8_t server) {
    return MayAsk(progress, server) && IsHopeful(progress, server);
  });
}

}  // namespace dotcache
