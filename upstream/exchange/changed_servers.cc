// SPDX-License-Identifier: Apache-2.0
// What the UpstreamManager does when its zones, servers, providers or routes change.

#include <cassert>
#include <utility>

#include "upstream/exchange/upstream_manager.h"

namespace dotcache {

bool UpstreamManager::Use(const UpstreamOptions& options, absl::Span<const NumberedServer> numbered,
                          Exchanger* bootstrap, absl::AnyInvocable<void()> on_addresses) {
  assert(loop_.InLoopThread());
  const bool all_ended = zones_.former().empty();
  hosts_.reset();
  options_ = options;
  zones_.Use(options_.zones, numbered);
  if (bootstrap != nullptr) ResolveHostsBy(*bootstrap, std::move(on_addresses));
  Start();
  for (const ExchangeId id : std::exchange(addressless_, {})) {
    ExchangeRecord* exchange = exchanges_.Find(id);
    if (exchange != nullptr) BeginAgain(*exchange);
  }
  wake_timer_->Start(Duration::zero());
  return all_ended;
}

// Its zone has other servers now, or all of them are others.
void UpstreamManager::BeginAgain(ExchangeRecord& exchange) {
  const MonoTime deadline = exchange.progress.deadline;
  const auto attempts = exchange.attempts;
  exchanges_.Clear(exchange);
  exchange.zone->RemoveExchange();
  for (const Attempt& attempt : attempts) attempt.server->Forget(attempt.id, attempt.place);
  const ExchangeFailure failure = Begin(exchange, deadline);
  if (failure != ExchangeFailure::kNone) Finish(exchange, failure);
}

void UpstreamManager::OnNetworkChange(const NetworkChange& change) {
  assert(loop_.InLoopThread());
  families_.Forget();
  zones_.OnNetworkChange(change);
  Start();
}

void UpstreamManager::UseProvider(absl::string_view name, bool use) {
  assert(loop_.InLoopThread());
  for (const auto& zone : zones_.all()) {
    zone->UseProvider(name, use);
    if (use) RetryAddressless(*zone);
  }
  if (!wake_timer_->armed()) wake_timer_->Start(Duration::zero());
}

}  // namespace dotcache
