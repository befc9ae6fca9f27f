// SPDX-License-Identifier: Apache-2.0
// Entries that have left a shard.
#ifndef DOTCACHE_CACHE_REMOVED_ENTRIES_H_
#define DOTCACHE_CACHE_REMOVED_ENTRIES_H_

#include "cache/cache_entry.h"
#include "cache/segmented_lru.h"

namespace dotcache {

// Entries removed under a shard's lock. Declared before the lock, it frees them after the release.
class RemovedEntries {
 public:
  RemovedEntries() = default;
  RemovedEntries(const RemovedEntries&) = delete;
  RemovedEntries& operator=(const RemovedEntries&) = delete;

  ~RemovedEntries() {
    while (const CacheEntry* entry = chain_.Pop()) {
      entry->EndClaim();  // From here on another owner of a reference may store it again.
      CacheEntryRef::Drop(entry);
    }
  }

  SegmentedLru::Chain& chain() { return chain_; }

 private:
  SegmentedLru::Chain chain_;
};

}  // namespace dotcache

#endif  // DOTCACHE_CACHE_REMOVED_ENTRIES_H_
