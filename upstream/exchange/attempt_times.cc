// SPDX-License-Identifier: Apache-2.0
#include "upstream/exchange/attempt_times.h"

#include <algorithm>

namespace dotcache {
namespace {

using AttemptState = AttemptView::State;

}  // namespace

void NoteAttempt(ExchangeRecord& exchange, uint8_t server, const AttemptPlace& place,
                 const UpstreamZone::Views& views, MonoTime now) {
  UpstreamServer& asked = exchange.zone->server(server);
  exchange.attempts.push_back({exchange.NextAttemptId(), &asked, place, now});
  exchange.progress.attempts.push_back({.server = server, .due = now + asked.QueuedPatience()});
  ++exchange.attempts_made;
  if (place.sent) NoteSent(exchange, exchange.attempts.size() - 1, views, now);
}

void NotePlaced(ExchangeRecord& exchange, size_t index, const AttemptPlace& place, MonoTime now) {
  Attempt& attempt = exchange.attempts[index];
  attempt.place = place;
  exchange.progress.attempts[index].due = now + attempt.server->QueuedPatience();
  if (place.sent) NoteSent(exchange, index, exchange.zone->LookAt(now), now);
}

void NoteSent(ExchangeRecord& exchange, size_t index, const UpstreamZone::Views& views,
              MonoTime now) {
  Attempt& attempt = exchange.attempts[index];
  AttemptView& view = exchange.progress.attempts[index];
  attempt.began = now;
  attempt.place.sent = true;
  view.state = AttemptState::kSent;
  exchange.progress.left = true;
  view.due = now + attempt.server->SentPatience();
  // A server on trial has its time to show whether it answers.
  if (!exchange.progress.may_hedge || views[view.server].status.state != ServerState::kUp) return;
  exchange.progress.hedge_at =
      std::min(exchange.progress.hedge_at, now + exchange.zone->HedgeTime(views));
}

void MarkLate(ExchangeRecord& exchange, MonoTime now) {
  for (size_t i = 0; i < exchange.attempts.size(); ++i) {
    AttemptView& view = exchange.progress.attempts[i];
    if (view.state != AttemptState::kSent || view.due > now) continue;
    view.state = AttemptState::kLate;
    const Attempt& attempt = exchange.attempts[i];
    attempt.server->OnAttemptLate(attempt.place, now - attempt.began);
  }
}

}  // namespace dotcache
