// SPDX-License-Identifier: Apache-2.0
// The result of looking up a key in the cache.
#ifndef DOTCACHE_CACHE_FOUND_H_
#define DOTCACHE_CACHE_FOUND_H_

#include <cstdint>

#include "cache/cache_entry.h"

namespace dotcache {

// What the cache knows under a key.
struct Found {
  enum class State : uint8_t {
    kNothing,
    kFresh,    // Give it. `refresh_due`: this caller has the refresh of a prefetch to begin.
    kStale,    // RFC 8767. `refresh_due`: refresh first. Else a refresh has failed lately: give it.
    kFailure,  // RFC 9520: resolution failed lately.
  };
  CacheEntryRef entry;
  State state = State::kNothing;
  bool refresh_due = false;
  bool for_all_types = false;  // It is that the name does not exist (RFC 2308 section 5).
};

}  // namespace dotcache

#endif  // DOTCACHE_CACHE_FOUND_H_
