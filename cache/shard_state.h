// SPDX-License-Identifier: Apache-2.0
// What a shard records about each of its entries.
#ifndef DOTCACHE_CACHE_SHARD_STATE_H_
#define DOTCACHE_CACHE_SHARD_STATE_H_

#include <cstdint>

namespace dotcache {

class CacheEntry;

// Stored in the entry. Code reaches it through SegmentedLru::StateOf(), and the shard's lock guards
// the SegmentedLru, so clang rejects access without the lock. The exception is Chain, which holds
// entries that have left the shard.
struct ShardState {
  static constexpr uint32_t kNever = UINT32_MAX;

  const CacheEntry* newer = nullptr;
  const CacheEntry* older = nullptr;
  uint32_t refresh_at_ms = kNever;  // The age from which a hit begins a refresh.
  uint32_t sequence = 0;            // The segment's count of moves when this entry became newest.
  uint32_t hash = 0;                // The lower half of the key's hash.
  uint8_t hits : 2 = 0;             // Since the entry was stored, at most 3.
  uint8_t in_protected : 1 = 0;     // 1: in the protected segment of the LRU.
  uint8_t refresh_failed : 1 = 0;   // 1: no refresh begins before `refresh_at_ms`.
};

}  // namespace dotcache

#endif  // DOTCACHE_CACHE_SHARD_STATE_H_
