// SPDX-License-Identifier: Apache-2.0
// What the extended errors of our replies say (RFC 8914).
#ifndef DOTCACHE_SERVER_EXTENDED_ERRORS_H_
#define DOTCACHE_SERVER_EXTENDED_ERRORS_H_

#include "absl/status/status.h"
#include "cache/cache_entry.h"
#include "dns/edns.h"
#include "dns/response.h"
#include "server/worker_counters.h"

namespace dotcache {

// An exchange that failed.
ExtendedError ErrorFor(const absl::Status& status);

// A table of ours that is full: code 0, since RFC 8914 has none for it.
ExtendedError ErrorForLimit(Limit limit);

// A response that is not relayed.
ExtendedError ErrorForRefusal(const ResponseFacts& facts);

// Stale data.
ExtendedError StaleError(const CacheEntry& entry);

// A failure that is remembered. A reply has one extended error, so the text names the first one.
// REQUIRES: entry.is_failure().
ExtendedError RememberedError(const CacheEntry& entry);

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_EXTENDED_ERRORS_H_
