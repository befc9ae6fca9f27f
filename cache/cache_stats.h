// SPDX-License-Identifier: Apache-2.0
// Numbers about the content of the cache.
#ifndef DOTCACHE_CACHE_CACHE_STATS_H_
#define DOTCACHE_CACHE_CACHE_STATS_H_

#include <cstdint>

namespace dotcache {

// The numbers of one shard, or the sum over all shards.
struct CacheStats {
  uint64_t entries = 0;
  uint64_t bytes = 0;  // Of all tables and entries.
  uint64_t budget_bytes = 0;
  uint64_t insertions = 0;
  uint64_t evictions = 0;    // Removed while fresh, to make room.
  uint64_t expirations = 0;  // Removed after they expired.
};

}  // namespace dotcache

#endif  // DOTCACHE_CACHE_CACHE_STATS_H_
