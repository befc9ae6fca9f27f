// SPDX-License-Identifier: Apache-2.0
// What the operator may set about the cache.
#ifndef DOTCACHE_CACHE_CACHE_OPTIONS_H_
#define DOTCACHE_CACHE_CACHE_OPTIONS_H_

#include <cstddef>

#include "core/clock.h"
#include "dns/response.h"

namespace dotcache {

struct CacheOptions {
  // Budget of all entries with their bookkeeping, in octets. 0 switches the cache off. At the limit
  // the least recently used entries make room, expired ones and remembered failures first.
  size_t budget_bytes = size_t{64} << 20;

  // Number of shards, each with a lock of its own; rounded up to a power of two. 0: chosen from the
  // budget so that a shard holds at least 256 KiB, 64 at most. More than 1024 count as 1024.
  int shards = 0;

  // Entries that were asked for again since they were stored may hold this much of the budget
  // against those that were not, in percent; at most 95, for new ones need room. 0: plain LRU.
  int lru_protected_percent = 80;

  // A hit on one of a shard's newest entries moves nothing in its LRU list; this is how large that
  // part is, in percent. The order among them does not matter to eviction, and most list writes go
  // away. 0: exact LRU.
  int lru_slack_percent = 25;

  // Limits on how long data is fresh, and on the TTLs shown to clients.
  TtlCaps ttl_caps;

  // How long after its end data is still given when it cannot be refreshed (RFC 8767). 0: never.
  Seconds stale_max_age{86400};
  // The TTL that such data is given with (RFC 8767 section 4).
  Seconds stale_ttl{30};
  // After a failed refresh nobody tries again for this long (RFC 8767 section 5).
  Seconds stale_recheck{30};

  // A failure is remembered for this long at first, twice as long each time it repeats, at most for
  // the second (RFC 9520 section 3.2: 1 s to 5 min).
  Seconds failure_ttl{1};
  Seconds failure_max_ttl{300};

  // Refresh what is asked for again shortly before it expires.
  bool prefetch = true;
};

}  // namespace dotcache

#endif  // DOTCACHE_CACHE_CACHE_OPTIONS_H_
