// SPDX-License-Identifier: Apache-2.0
// Chooses the extended DNS error of a reply (RFC 8914).
#ifndef DOTCACHE_ANSWER_EXTENDED_ERRORS_H_
#define DOTCACHE_ANSWER_EXTENDED_ERRORS_H_

#include <optional>
#include <string>
#include <utility>

#include "answer/worker_counters.h"
#include "cache/cache_entry.h"
#include "dns/edns.h"
#include "dns/response.h"
#include "upstream/api/exchange_failure.h"

namespace dotcache {

// What a reply contains about a failure: the RCODE, and the extended errors. The upstream server's
// own error states the cause. `counted_as` and `origin` are for the counters.
struct FailureErrors {
  ServFailCause counted_as;
  ExtendedError own;
  std::optional<ExtendedError> upstream = std::nullopt;
  Rcode rcode = Rcode::kServFail;
  ReplyOrigin origin = {ReplySource::kFailure};
  uint16_t cause = 0;  // Of a response that is not relayed: for FailureCauseText().
};

// For an exchange with the servers of this zone (ZoneNames) that failed.
FailureErrors ErrorFor(ExchangeFailure failure, size_t zone = 0);

// For a table that is full. The code is 0, because RFC 8914 has no code for it.
FailureErrors ErrorForLimit(Limit limit);

// For a query that the server cannot answer before it ends.
FailureErrors ErrorForStop();

// The cause of a failure in sixteen bits, for FailureCauseOf(), and in words. Empty
// text: not known.
uint16_t CauseOf(ExchangeFailure failure);
std::string FailureCauseText(uint16_t cause);

// For a response that is not relayed to the client. The RCODE is SERVFAIL, with one exception:
// NOTIMP and REFUSED for HTTPS and SVCB. After SERVFAIL some clients do not use the service at all
// (RFC 9460 section 3.1).
FailureErrors ErrorForRefusal(const ResponseFacts& facts, QType qtype);

// For a reply with stale data.
ExtendedError StaleError(const CacheEntry& entry);

// For a failure that is served from the cache. The text of our error names the code of the original
// failure. REQUIRES: entry.is_failure().
FailureErrors RememberedError(const CacheEntry& entry);

}  // namespace dotcache

#endif  // DOTCACHE_ANSWER_EXTENDED_ERRORS_H_
