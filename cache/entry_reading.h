// SPDX-License-Identifier: Apache-2.0
// What entries of the cache say about themselves and each other.
#ifndef DOTCACHE_CACHE_ENTRY_READING_H_
#define DOTCACHE_CACHE_ENTRY_READING_H_

#include <cstdint>

#include "cache/cache_entry.h"
#include "core/clock.h"

namespace dotcache {

// ResponseFacts::origin of the entry's message. 0: not known, or a failure.
uint16_t EntryOrigin(const CacheEntry& entry);

// Failure::cause. It is in the place of the number of additional records. REQUIRES:
// entry.is_failure().
uint16_t FailureCauseOf(const CacheEntry& entry);

// True when an NXDOMAIN for the name answers the question instead of the entry of the key. Either
// may be null. The order: data of the key, a fresh NXDOMAIN, the later one of a stale denial of the
// key and a stale NXDOMAIN, a failure.
bool DenialCounts(const CacheEntryRef& exact, const CacheEntryRef& denial, MonoTime now);

}  // namespace dotcache

#endif  // DOTCACHE_CACHE_ENTRY_READING_H_
