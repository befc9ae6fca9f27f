// The shared cache: picks the shard, forwards to it.
#ifndef DOTCACHE_CACHE_RESPONSE_CACHE_H_
#define DOTCACHE_CACHE_RESPONSE_CACHE_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "cache/cache_entry.h"
#include "cache/cache_key.h"
#include "cache/cache_options.h"
#include "cache/lru_shard.h"

namespace dotcache {

struct CacheStats {
  uint64_t entries = 0;
  uint64_t bytes = 0;  // Charged against the budget.
  uint64_t budget_bytes = 0;
  uint64_t insertions = 0;
  uint64_t evictions = 0;    // Pushed out while fresh.
  uint64_t expirations = 0;  // Removed because their time was over.
};

// A TTL-aware LRU cache of responses, bounded in octets and sharded by the key's hash. Any thread
// may call any function; each takes one shard's lock for a few dozen nanoseconds. Owned by the
// server; outlives the workers.
class ResponseCache {
 public:
  ResponseCache(const CacheOptions& options, const HashSeed& seed);
  ~ResponseCache();

  const CacheOptions& options() const { return options_; }
  const HashSeed& seed() const { return seed_; }

  // The fresh entry under `key`, or null. An expired one is removed.
  CacheEntryRef Lookup(const CacheKey& key, MonoTime now);

  // Stores `entry`, replacing what was there, and evicts the least recently used until the shard's
  // share of the budget holds. An entry too large for a shard is not stored.
  void Insert(const CacheKey& key, CacheEntryRef entry, MonoTime now);

  // Removes everything; returns the number of entries removed.
  uint64_t Clear();

  CacheStats Stats() const;

 private:
  LruShard& ShardOf(const CacheKey& key);

  const CacheOptions options_;
  const HashSeed seed_;
  std::vector<std::unique_ptr<LruShard>> shards_;
};

}  // namespace dotcache

#endif  // DOTCACHE_CACHE_RESPONSE_CACHE_H_
