// SPDX-License-Identifier: Apache-2.0
// Whether a response is stored, and how long it is fresh.
#ifndef DOTCACHE_CACHE_TTL_POLICY_H_
#define DOTCACHE_CACHE_TTL_POLICY_H_

#include "cache/cache_options.h"
#include "dns/response.h"

namespace dotcache {

struct CacheDecision {
  bool store = false;
  Seconds fresh_for{0};
};

// RFC 2181 sections 5.2 and 8, RFC 2308 sections 3 to 5:
//   answer       the lowest TTL of its answer section, within TtlCaps; with TTL 0 not stored
//   NXDOMAIN,    min(SOA TTL, SOA MINIMUM, TTLs of a CNAME chain), within TtlCaps;
//   NODATA       without an SOA not stored
//   any other response, and any response with TC set: not stored
CacheDecision Decide(const ResponseFacts& facts, const TtlCaps& caps);

// How long a failure is kept after `failures` failures in a row. The time doubles with each
// failure, within the options' bounds (RFC 9520 section 3.2).
Seconds FailureTtl(int failures, const CacheOptions& options);

}  // namespace dotcache

#endif  // DOTCACHE_CACHE_TTL_POLICY_H_
