// What the operator may set about the cache.
#ifndef DOTCACHE_CACHE_CACHE_OPTIONS_H_
#define DOTCACHE_CACHE_CACHE_OPTIONS_H_

#include <cstddef>

#include "core/clock.h"
#include "core/response.h"

namespace dotcache {

struct CacheOptions {
  // Budget of all entries with their bookkeeping, in octets. 0 switches the cache off. At the limit
  // the least recently used entries make room.
  size_t budget_bytes = size_t{64} << 20;

  // Number of shards, each with a lock of its own; rounded up to a power of two. 0: chosen from the
  // budget so that a shard holds at least 256 KiB, 64 at most.
  int shards = 0;

  // Caps on how long data is fresh, and on the TTLs shown to clients.
  TtlCaps ttl_caps;

  // Least time that positive data is kept (RFC 8767 allows no more than the TTL by default: 0).
  Seconds ttl_floor{0};
};

}  // namespace dotcache

#endif  // DOTCACHE_CACHE_CACHE_OPTIONS_H_
