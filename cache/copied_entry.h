// SPDX-License-Identifier: Apache-2.0
// An entry that a shard gives to a snapshot.
#ifndef DOTCACHE_CACHE_COPIED_ENTRY_H_
#define DOTCACHE_CACHE_COPIED_ENTRY_H_

#include <cstdint>
#include <vector>

#include "cache/cache_entry.h"

namespace dotcache {

struct CopiedEntry {
  CacheEntryRef entry;
  uint8_t key_flags = 0;      // CacheKey::flags().
  bool is_protected = false;  // In the protected segment of the LRU.
};

using CopiedEntries = std::vector<CopiedEntry>;

}  // namespace dotcache

#endif  // DOTCACHE_CACHE_COPIED_ENTRY_H_
