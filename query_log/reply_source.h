// SPDX-License-Identifier: Apache-2.0
// Where a reply comes from, for the counters and the query log.
#ifndef DOTCACHE_QUERY_LOG_REPLY_SOURCE_H_
#define DOTCACHE_QUERY_LOG_REPLY_SOURCE_H_

#include <cstddef>
#include <cstdint>

#include "core/names.h"

namespace dotcache {

enum class ReplySource : uint8_t {
  kHit,      // Fresh data of the cache.
  kStale,    // Stale data of the cache.
  kMiss,     // The response of an exchange.
  kFailure,  // A failed exchange, now or remembered.
  kLocal,    // Local names, and answers of the server itself.
  kRefused,  // The query was not served: refused, malformed, or limited.
};
inline constexpr size_t kReplySourceCount = 6;

inline constexpr Named<ReplySource> kReplySourceNames[] = {
    {ReplySource::kHit, "hit"},     {ReplySource::kStale, "stale"},
    {ReplySource::kMiss, "miss"},   {ReplySource::kFailure, "failure"},
    {ReplySource::kLocal, "local"}, {ReplySource::kRefused, "refused"},
};

// The same with the kind of the zone whose servers have, or had, the data.
struct ReplyOrigin {
  ReplySource source = ReplySource::kRefused;
  bool private_zone = false;  // A zone with servers of its own. Always false for the last two.

  friend bool operator==(const ReplyOrigin&, const ReplyOrigin&) = default;
};

// The place of an origin in an array.
inline constexpr size_t kReplyOriginCount = 2 * kReplySourceCount;
constexpr size_t PlaceOf(const ReplyOrigin& origin) {
  return 2 * static_cast<size_t>(origin.source) + (origin.private_zone ? 1 : 0);
}
constexpr ReplyOrigin OriginAt(size_t place) {
  return {static_cast<ReplySource>(place / 2), place % 2 == 1};
}

}  // namespace dotcache

#endif  // DOTCACHE_QUERY_LOG_REPLY_SOURCE_H_
