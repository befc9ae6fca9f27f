// The shared cache: picks the shard, forwards to it.
#ifndef DOTCACHE_CACHE_RESPONSE_CACHE_H_
#define DOTCACHE_CACHE_RESPONSE_CACHE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "cache/cache_entry.h"
#include "cache/cache_key.h"
#include "cache/cache_options.h"
#include "cache/lru_shard.h"

namespace dotcache {

// A TTL-aware LRU cache of responses, bounded in octets and sharded by the key's hash. Any thread
// may call any function; each takes one shard's lock at a time, for a few dozen nanoseconds. Owned
// by the server; outlives the workers.
//
// Each shard has an equal share of the budget, and keeps to it by itself. With a budget of 0 there
// are no shards: nothing is found and nothing stored.
class ResponseCache {
 public:
  ResponseCache(const CacheOptions& options, const HashSeed& seed);

  const CacheOptions& options() const { return options_; }
  const HashSeed& seed() const { return seed_; }

  // The fresh entry under `key`, or null. An expired one is removed.
  CacheEntryRef Lookup(const CacheKey& key, MonoTime now);

  // Stores `entry`, replacing what was there, and evicts expired or else the least recently used
  // entries until the shard's share of the budget holds. Not stored: an expired entry, one above an
  // eighth of a shard, one that a cache holds already, one whose message is not about the key's
  // question. REQUIRES: `entry` is not null.
  void Insert(const CacheKey& key, CacheEntryRef entry, MonoTime now);

  // Looks at the next `max_slots` slots of the tables for expired entries, going round; workers
  // call it from a timer. A cache has a slot for every 128 octets of budget. Returns the number of
  // entries removed.
  size_t SweepExpired(MonoTime now, size_t max_slots);

  // Removes everything; returns the number of entries removed.
  uint64_t Clear();

  // The sum of all shards, each read at its own moment.
  CacheStats Stats() const;

 private:
  // The high bits of the hash pick the shard, the low ones the slot in it.
  LruShard& ShardOf(const CacheKey& key) {
    return *shards_[shard_bits_ == 0 ? 0 : key.hash() >> (64 - shard_bits_)];
  }

  const CacheOptions options_;
  const HashSeed seed_;
  const int shard_bits_;
  std::vector<std::unique_ptr<LruShard>> shards_;
  std::atomic<size_t> sweep_shard_{0};
};

}  // namespace dotcache

#endif  // DOTCACHE_CACHE_RESPONSE_CACHE_H_
