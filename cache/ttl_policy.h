// SPDX-License-Identifier: Apache-2.0
// Whether and for how long a response is kept.
#ifndef DOTCACHE_CACHE_TTL_POLICY_H_
#define DOTCACHE_CACHE_TTL_POLICY_H_

#include "cache/cache_options.h"
#include "dns/response.h"

namespace dotcache {

struct CacheDecision {
  bool store = false;
  Seconds fresh_for{0};
};

// Decides from the facts alone (RFC 2181 sections 5.2 and 8, RFC 2308 sections 3 to 5):
//   answer       its lowest TTL, within the caps' bounds; a TTL of 0 is not stored
//   NXDOMAIN,    min(SOA TTL, SOA MINIMUM), within both caps; not stored without an SOA
//   NODATA       (an answer section that holds only a CNAME chain limits it too)
//   anything else, and whatever has TC set: not stored
CacheDecision Decide(const ResponseFacts& facts, const CacheOptions& options);

// How long a failure is remembered that is the `failures`-th without a success between: doubled
// each time, within the options' bounds (RFC 9520 section 3.2).
Seconds FailureTtl(int failures, const CacheOptions& options);

}  // namespace dotcache

#endif  // DOTCACHE_CACHE_TTL_POLICY_H_
