// SPDX-License-Identifier: Apache-2.0
// Whether an error, or a denial in doubt, is the result of its exchange.
#ifndef DOTCACHE_UPSTREAM_EXCHANGE_SECOND_OPINION_H_
#define DOTCACHE_UPSTREAM_EXCHANGE_SECOND_OPINION_H_

#include <cstdint>
#include <optional>

#include "core/clock.h"
#include "upstream/exchange/exchange_table.h"
#include "upstream/exchange/zone_set.h"

namespace dotcache {

// True if a second server is queried before the denial is believed. An alias that leads to another
// zone denies nothing.
bool IsDoubted(const ExchangeRecord& exchange, const UpstreamResponse& response,
               const ZoneSet& zones);

// Notes that a server answered with an error, or with a denial that is doubted. A server of another
// provider may know better, or else another server. Returns true if this is the second error, which
// is the result. `response`: nullopt if the error cannot be relayed.
bool NoteError(ExchangeRecord& exchange, uint8_t server, std::optional<UpstreamResponse> response,
               MonoTime now);

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_EXCHANGE_SECOND_OPINION_H_
