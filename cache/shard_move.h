// SPDX-License-Identifier: Apache-2.0
// Moves entries between the shards of two sizes of the cache.
#ifndef DOTCACHE_CACHE_SHARD_MOVE_H_
#define DOTCACHE_CACHE_SHARD_MOVE_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/functional/function_ref.h"
#include "cache/cache_key.h"
#include "cache/lru_shard.h"

namespace dotcache {

// Moves entries out of a shard after LruShard::EndInsertions(). An entry is in one of both shards
// at every moment, because a move holds both locks. Any thread may call any function.
class ShardMove {
 public:
  // Moves the entry of `key`, if there is one, as the newest of its segment. Does nothing if `from`
  // accepts insertions: the caller saw an earlier state of the cache.
  static void MoveKey(LruShard& from, const CacheKey& key, LruShard& to);

  enum class Which { kProtected, kAll };

  // Takes up to `max_entries` entries from `from`, beginning with those that it would evict last.
  // Each becomes the oldest entry of the shard of its hash, if it fits there and is not dead.
  // Returns false if none of `which` is left.
  static bool MoveNewest(LruShard& from, MonoTime now, Which which, size_t max_entries,
                         absl::FunctionRef<LruShard&(uint64_t hash)> to);

 private:
  // The hash of the entry that `from` would evict last, or nothing if none of `which` is left.
  static std::optional<uint64_t> NewestHash(LruShard& from, Which which);
};

}  // namespace dotcache

#endif  // DOTCACHE_CACHE_SHARD_MOVE_H_
