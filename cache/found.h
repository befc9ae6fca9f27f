// SPDX-License-Identifier: Apache-2.0
// The result of a lookup in the cache.
#ifndef DOTCACHE_CACHE_FOUND_H_
#define DOTCACHE_CACHE_FOUND_H_

#include <cstdint>
#include <optional>

#include "cache/cache_entry.h"

namespace dotcache {

struct Found {
  enum class State : uint8_t {
    kNothing,
    kFresh,    // `refresh_due`: the caller begins a prefetch.
    kStale,    // RFC 8767. `refresh_due`: the caller refreshes first; else a refresh failed lately.
    kFailure,  // RFC 9520: the last resolution failed.
  };
  CacheEntryRef entry;
  State state = State::kNothing;
  bool refresh_due = false;
  bool for_all_types = false;  // The entry is an NXDOMAIN for the name (RFC 2308 section 5).
};

// An entry as an operator sees it.
struct Peeked {
  CacheEntryRef entry;          // Null: there is none.
  int hits = 0;                 // Since it was stored, at most 3.
  bool refresh_failed = false;  // Or it was slow. None begins before `refresh_age`.
  std::optional<Milliseconds> refresh_age = std::nullopt;  // The age from which it is refreshed.
};

}  // namespace dotcache

#endif  // DOTCACHE_CACHE_FOUND_H_
