// SPDX-License-Identifier: Apache-2.0
#include "upstream/exchange/exchange_end.h"

#include <utility>

#include "core/names.h"
#include "upstream/exchange/upstream_zone.h"

namespace dotcache {
namespace {

// For the client's extended error (RFC 8914).
constexpr Named<UpstreamFailure> kWords[] = {
    {UpstreamFailure::kMalformed, "the upstream response was malformed"},
    {UpstreamFailure::kNotAnAnswer,
     "the upstream server sent no answer but a referral: is it an authoritative server?"},
    {UpstreamFailure::kTruncated, "the upstream server sent a truncated response over a stream"}};

}  // namespace

absl::StatusOr<UpstreamResponse> EndOf(ExchangeRecord& exchange, MonoTime now) {
  const ExchangeProgress& progress = exchange.progress;
  if (exchange.error_response.has_value()) return *std::move(exchange.error_response);
  const bool too_late = now >= progress.deadline;
  if (progress.attempts.empty() || (progress.saw_useless && !too_late)) {
    return FailureOf(exchange, now);
  }
  return absl::DeadlineExceededError("no upstream server answered in time");
}

absl::Status FailureOf(const ExchangeRecord& exchange, MonoTime now) {
  const ExchangeProgress& progress = exchange.progress;
  if (progress.has_error) {
    return absl::AbortedError("the upstream servers answered with errors that cannot be relayed");
  }
  if (progress.saw_useless) return absl::DataLossError(NameOf(kWords, exchange.useless, ""));
  if (progress.only_overloaded && progress.refused != 0) {
    return absl::ResourceExhaustedError("all connections to the upstream servers are full");
  }
  for (size_t i = 0; i < exchange.zone->size(); ++i) {
    if (exchange.zone->server(i).StatusAt(now).state == ServerState::kLoop) {
      return absl::FailedPreconditionError("a forwarding loop");
    }
  }
  return absl::UnavailableError("no upstream server could be reached");
}

Rcode ErrorOf(const ExchangeRecord& exchange) {
  return exchange.error_response.has_value() ? exchange.error_response->facts.rcode
                                             : Rcode::kServFail;
}

}  // namespace dotcache
