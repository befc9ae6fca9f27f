// SPDX-License-Identifier: Apache-2.0
#include "cache/entry_reading.h"

#include "dns/message_header.h"

namespace dotcache {

uint16_t EntryOrigin(const CacheEntry& entry) {
  return entry.is_failure() ? 0 : static_cast<uint16_t>(entry.extended_error);
}

uint16_t FailureCauseOf(const CacheEntry& entry) { return LoadHeader(entry.view().wire).arcount; }

bool DenialCounts(const CacheEntryRef& exact, const CacheEntryRef& denial, MonoTime now) {
  if (!denial) return false;
  if (!exact || exact->is_failure()) return true;
  if (exact->FreshAt(now) || exact->has_data()) return false;
  return denial->FreshAt(now) || denial->stored_at > exact->stored_at;
}

}  // namespace dotcache
