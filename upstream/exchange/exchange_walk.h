// SPDX-License-Identifier: Apache-2.0
// Has one server after the other take an exchange.
#ifndef DOTCACHE_UPSTREAM_EXCHANGE_EXCHANGE_WALK_H_
#define DOTCACHE_UPSTREAM_EXCHANGE_EXCHANGE_WALK_H_

#include <cstdint>

#include "core/event_loop.h"
#include "upstream/exchange/exchange_table.h"
#include "upstream/exchange/hedge_budget.h"
#include "upstream/pool/upstream_server.h"

namespace dotcache {

// Carries out what exchange_rules.h allows: walks an exchange's order of servers, and looks after
// the attempts it makes there with the exchange's one timer. Never ends an exchange and calls
// nobody but servers. Owned by the UpstreamManager; bound to its loop's thread.
class ExchangeWalk {
 public:
  // A `patient` walk never takes servers for dead. The loop outlives it.
  ExchangeWalk(EventLoop& loop, bool patient) : loop_(loop), patient_(patient) {}

  // An exchange of somebody who waits has begun: it earns its part of a hedge.
  void OnExchange() { hedge_budget_.OnExchange(); }

  // Goes on after there was no server yet, or an attempt has ended without a final result. False
  // when the exchange is at its end.
  bool Proceed(ExchangeState& exchange);

  // What the timer is for. False when the exchange is at its end.
  bool OnTimer(ExchangeState& exchange);

  // The connection of this attempt has stalled: another server is asked, once for each attempt and
  // whatever the budget says.
  void OnStall(ExchangeState& exchange, ActiveAttempt& attempt);

  // Something came for the attempt that was not its response.
  void OnDoubtful(ExchangeState& exchange, ActiveAttempt& attempt);

  // Sets the timer to the next moment at which there is something to do.
  void Rearm(ExchangeState& exchange);

  // Nobody is held any more, and nothing opened that is not needed.
  void Drain() { draining_ = true; }

 private:
  enum class Why { kNeeded, kHedge };

  bool TryNext(ExchangeState& exchange, Why why = Why::kNeeded);
  bool TryInOrder(ExchangeState& exchange, Why why);
  bool TryDown(ExchangeState& exchange);
  bool Ask(ExchangeState& exchange, uint8_t index, UpstreamServer::SendMode mode);
  void StartWatch(ExchangeState& exchange, ActiveAttempt& attempt);
  void Hedge(ExchangeState& exchange);
  bool HasPatience(ExchangeState& exchange, ActiveAttempt& attempt);
  bool MayHold(const ExchangeState& exchange) const;

  EventLoop& loop_;
  const bool patient_;
  HedgeBudget hedge_budget_;
  bool draining_ = false;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_EXCHANGE_EXCHANGE_WALK_H_
