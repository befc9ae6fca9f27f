// SPDX-License-Identifier: Apache-2.0
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

// What a failed exchange leaves behind.
struct Failure {
  // What the client is told (RFC 8914).
  ExtendedErrorCode extended_error = ExtendedErrorCode::kOther;
  // Remembered for longer each time: it is what servers said or did about this name. False: nobody
  // could be reached, which may be over in a moment.
  bool grows = true;
};

// A TTL-aware LRU cache of responses, bounded in octets and sharded by the key's hash: what is
// kept, how long, and what of it is given when (README.md in this folder). Any thread may call any
// function; each takes one shard's lock at a time, for a few dozen nanoseconds. Owned by the
// server; outlives the workers.
//
// Each shard has an equal share of the budget, and keeps to it by itself. With a budget of 0 there
// are no shards: nothing is found and nothing stored.
class ResponseCache {
 public:
  ResponseCache(const CacheOptions& options, const HashSeed& seed);

  const CacheOptions& options() const { return options_; }
  const HashSeed& seed() const { return seed_; }

  // What is known of the key's question: data under the key itself, or that the name does not exist
  // (RFC 2308 section 5); else that resolution has failed.
  // `may_refresh`: the caller begins the refresh that it may be told is due.
  Found Lookup(const CacheKey& key, MonoTime now, bool may_refresh = true);

  // Keeps a response that is relayed to clients, by ttl_policy, in place of what was known, stale
  // data and failures too. An NXDOMAIN about the QNAME itself is kept for all types of the name.
  // Returns what to give to those who wait, whether it is kept or not.
  CacheEntryRef Store(const CacheKey& key, Bytes response, const ResponseFacts& facts,
                      MonoTime now);

  // Remembers that an exchange has failed. Returns data, fresh or stale, that is to be given in its
  // place; then nobody refreshes it again before CacheOptions::stale_recheck is over. Without such
  // data (null) the failure itself is remembered (RFC 9520).
  CacheEntryRef NoteFailure(const CacheKey& key, const Failure& failure, MonoTime now);

  // The same for a refresh that has taken too long and goes on: returns the data, if there is any.
  CacheEntryRef NoteSlowRefresh(const CacheKey& key, MonoTime now);

  // Stores `entry`, replacing what was there, and evicts until the shard's share of the budget
  // holds. Not stored: an expired entry, one above an eighth of a shard (which ends what was there
  // all the same), one that a cache holds already, one whose message is not about the key's
  // question, a failure where there is data that can be given. REQUIRES: `entry` is not null.
  void Insert(const CacheKey& key, CacheEntryRef entry, MonoTime now);

  // Looks at the next `max_slots` slots of the tables for dead entries, going round; workers
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

  CacheEntryRef KnownAfterFailure(const CacheKey& key, MonoTime now);
  Found LookupAllTypes(const CacheKey& key, Found exact, MonoTime now, bool may_refresh);

  const CacheOptions options_;
  const HashSeed seed_;
  const int shard_bits_;
  std::vector<std::unique_ptr<LruShard>> shards_;
  std::atomic<size_t> sweep_shard_{0};
};

}  // namespace dotcache

#endif  // DOTCACHE_CACHE_RESPONSE_CACHE_H_
