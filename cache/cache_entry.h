// A cached response.
#ifndef DOTCACHE_CACHE_CACHE_ENTRY_H_
#define DOTCACHE_CACHE_CACHE_ENTRY_H_

#include <memory>
#include <utility>

#include "core/clock.h"
#include "core/reply.h"
#include "core/response.h"

namespace dotcache {

// Immutable once made, hence shared between workers without a lock. A reply is a copy of `message`
// with a few stores at its TTL offsets.
struct CacheEntry {
  StoredMessage message;
  ResponseKind kind = ResponseKind::kAnswer;
  Rcode rcode = Rcode::kNoError;
  MonoTime stored_at;
  MonoTime expires_at;

  StoredView view() const { return {message.wire, message.ttl_offsets}; }

  // Whole seconds since the entry was stored.
  Seconds AgeAt(MonoTime now) const { return std::chrono::duration_cast<Seconds>(now - stored_at); }
};

using CacheEntryRef = std::shared_ptr<const CacheEntry>;

}  // namespace dotcache

#endif  // DOTCACHE_CACHE_CACHE_ENTRY_H_
