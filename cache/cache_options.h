// What the operator may set about the cache.
#ifndef DOTCACHE_CACHE_CACHE_OPTIONS_H_
#define DOTCACHE_CACHE_CACHE_OPTIONS_H_

#include <cstddef>

#include "core/clock.h"
#include "dns/response.h"

namespace dotcache {

struct CacheOptions {
  // Budget of all entries with their bookkeeping, in octets. 0 switches the cache off. At the limit
  // expired entries, then the least recently used ones make room.
  size_t budget_bytes = size_t{64} << 20;

  // Number of shards, each with a lock of its own; rounded up to a power of two. 0: chosen from the
  // budget so that a shard holds at least 256 KiB, 64 at most. More than 1024 count as 1024.
  int shards = 0;

  // A hit on one of a shard's newest entries moves nothing in its LRU list; this is how large that
  // part is, in percent. The order among them does not matter to eviction, and most list writes go
  // away. 0: exact LRU.
  int lru_slack_percent = 25;

  // Caps on how long data is fresh, and on the TTLs shown to clients.
  TtlCaps ttl_caps;

  // Least time that positive data is kept. Anything but 0 serves data longer than its owner allows.
  // A TTL of 0 stays 0, and the cap above wins.
  Seconds ttl_floor{0};
};

}  // namespace dotcache

#endif  // DOTCACHE_CACHE_CACHE_OPTIONS_H_
