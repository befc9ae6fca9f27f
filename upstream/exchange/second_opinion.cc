// SPDX-License-Identifier: Apache-2.0
#include "upstream/exchange/second_opinion.h"

#include <utility>

#include "absl/algorithm/container.h"
#include "dns/alias_links.h"
#include "upstream/exchange/upstream_zone.h"
#include "upstream/pool/attempt_result.h"

namespace dotcache {

bool IsDoubted(const ExchangeRecord& exchange, const UpstreamResponse& response,
               const ZoneSet& zones) {
  if (!IsDoubtful(response.facts) || exchange.progress.is_loop_probe) return false;
  const Question& question = exchange.query.question;
  const Bytes message = KeptPart(response.wire, response.facts);
  return absl::c_none_of(ReadAliasLinks(message, question), [&](const AliasLink& link) {
    return &zones.Find({link.target, question.qtype}) != exchange.zone;
  });
}

bool NoteError(ExchangeRecord& exchange, uint8_t server, std::optional<UpstreamResponse> response,
               MonoTime now) {
  ExchangeProgress& progress = exchange.progress;
  const uint64_t same_provider = exchange.zone->SameProvider(server, exchange.zone->LookAt(now));
  const bool confirmed = (progress.reported_errors & ~same_provider) != 0;
  if (response.has_value() && !IsErrorResponse(response->facts)) {
    progress.doubted |= same_provider & ~progress.reported_errors;
    progress.has_denial = true;
  }
  progress.reported_errors |= same_provider;
  progress.has_error = true;
  progress.only_overloaded = false;
  const int known =
      exchange.error_response.has_value() ? RankOf(exchange.error_response->facts) : -1;
  if (response.has_value() && RankOf(response->facts) > known) {
    exchange.error_response = std::move(response);
  }
  return confirmed;
}

}  // namespace dotcache
