// SPDX-License-Identifier: Apache-2.0
// What an entry of the cache keeps beside its message.
#ifndef DOTCACHE_CACHE_ENTRY_FACTS_H_
#define DOTCACHE_CACHE_ENTRY_FACTS_H_

#include <cstdint>
#include <optional>

#include "dns/edns.h"
#include "dns/response.h"

namespace dotcache {

// The facts about a message that its entry keeps beside the octets.
struct EntryFacts {
  ResponseKind kind = ResponseKind::kAnswer;
  uint8_t failures = 0;
  uint16_t origin = 0;  // Of data: ResponseFacts::origin.
  ExtendedErrorCode extended_error = ExtendedErrorCode::kOther;
  std::optional<ExtendedError> upstream_error = std::nullopt;
};

}  // namespace dotcache

#endif  // DOTCACHE_CACHE_ENTRY_FACTS_H_
