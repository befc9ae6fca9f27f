// SPDX-License-Identifier: Apache-2.0
// The result of an exchange without a usable response.
#ifndef DOTCACHE_UPSTREAM_EXCHANGE_EXCHANGE_END_H_
#define DOTCACHE_UPSTREAM_EXCHANGE_EXCHANGE_END_H_

#include "core/clock.h"
#include "dns/dns_types.h"
#include "upstream/api/exchanger.h"
#include "upstream/exchange/exchange_table.h"

namespace dotcache {

// The error that a server answered, if any; else why there is no response. An exchange whose query
// was never sent, because all attempts waited for a place, ends with kLimit.
ExchangeOr<UpstreamResponse> EndOf(ExchangeRecord& exchange, MonoTime now);

// Why no server could be queried, or what was wrong with the responses.
ExchangeFailure FailureOf(const ExchangeRecord& exchange, MonoTime now);

// The RCODE of the error that a server answered.
Rcode ErrorOf(const ExchangeRecord& exchange);

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_EXCHANGE_EXCHANGE_END_H_
