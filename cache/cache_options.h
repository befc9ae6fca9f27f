// SPDX-License-Identifier: Apache-2.0
// The options of the cache. The operator sets all of them except CacheTuning.
#ifndef DOTCACHE_CACHE_CACHE_OPTIONS_H_
#define DOTCACHE_CACHE_CACHE_OPTIONS_H_

#include <cstddef>

#include "core/clock.h"
#include "dns/response.h"

namespace dotcache {

// Options without a setting. They are fixed in production; tests set them.
struct CacheTuning {
  // Number of shards, each with its own lock. It is rounded up to a power of two, 1024 at most. The
  // value 0 means one shard for each 256 KiB of the budget, 64 at most.
  int shards = 0;

  // The newest part of an LRU list, in percent of the list's entries. A hit on an entry of
  // this part does not move it, because its order there does not matter to eviction. This avoids
  // most writes to the list. 0: exact LRU.
  int lru_slack_percent = 25;
};

struct CacheOptions {
  // Budget of all entries with their bookkeeping, in octets. 0 switches the cache off. At the limit
  // expired entries and failures are evicted first, then the least recently used entries.
  size_t budget_bytes = size_t{64} << 20;

  // The share of the budget, in percent, that is kept for entries with a hit. The maximum is 95,
  // because new entries need room. The value 0 means plain LRU.
  int lru_protected_percent = 80;

  // Limits on how long data is fresh, and on the TTLs in replies.
  TtlCaps ttl_caps;

  // How long expired data may be used when it cannot be refreshed (RFC 8767). 0: never.
  Seconds stale_max_age{86400};
  // The TTL of stale data in replies (RFC 8767 section 4).
  Seconds stale_ttl{30};
  // The time from a failed refresh to the next attempt (RFC 8767 section 5).
  Seconds stale_recheck{30};

  // How long a failure is cached. The time doubles with each failure in a row, up to the maximum
  // (RFC 9520 section 3.2: 1 s to 5 min).
  Seconds failure_ttl{1};
  Seconds failure_max_ttl{300};

  // Refresh an entry that had a hit shortly before it expires.
  bool prefetch = true;

  CacheTuning tuning = {};
};

}  // namespace dotcache

#endif  // DOTCACHE_CACHE_CACHE_OPTIONS_H_
