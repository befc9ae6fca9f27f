// SPDX-License-Identifier: Apache-2.0
#include "upstream/exchange/exchange_end.h"

#include <utility>

#include "absl/algorithm/container.h"
#include "upstream/exchange/upstream_zone.h"

namespace dotcache {
namespace {

ExchangeFailure OfUseless(UpstreamFailure useless) {
  if (useless == UpstreamFailure::kNotAnAnswer) return ExchangeFailure::kReferral;
  if (useless == UpstreamFailure::kTruncated) return ExchangeFailure::kTruncated;
  return ExchangeFailure::kMalformed;
}

// True if all attempts have waited for a place at a server that is up, and no query was sent. That
// is no evidence about the name.
bool WaitedOnly(const ExchangeRecord& exchange) {
  return !exchange.progress.left && absl::c_all_of(exchange.attempts, [](const Attempt& each) {
    return each.place.connection == 0;
  });
}

}  // namespace

ExchangeOr<UpstreamResponse> EndOf(ExchangeRecord& exchange, MonoTime now) {
  const ExchangeProgress& progress = exchange.progress;
  if (exchange.error_response.has_value()) return *std::move(exchange.error_response);
  const bool too_late = now >= progress.deadline;
  if (progress.attempts.empty() || (progress.saw_useless && !too_late)) {
    return FailureOf(exchange, now);
  }
  return WaitedOnly(exchange) ? ExchangeFailure::kLimit : ExchangeFailure::kTimeout;
}

ExchangeFailure FailureOf(const ExchangeRecord& exchange, MonoTime now) {
  const ExchangeProgress& progress = exchange.progress;
  if (progress.has_error) return ExchangeFailure::kErrors;
  if (progress.saw_useless) return OfUseless(exchange.useless);
  if (progress.only_overloaded && progress.refused != 0) return ExchangeFailure::kLimit;
  for (size_t i = 0; i < exchange.zone->size(); ++i) {
    if (exchange.zone->server(i).StatusAt(now).state == ServerState::kLoop) {
      return ExchangeFailure::kLoop;
    }
  }
  return ExchangeFailure::kUnreachable;
}

Rcode ErrorOf(const ExchangeRecord& exchange) {
  return exchange.error_response.has_value() ? exchange.error_response->facts.rcode
                                             : Rcode::kServFail;
}

}  // namespace dotcache
