// SPDX-License-Identifier: Apache-2.0
// When the attempts of an exchange began, and when their patience ends.
#ifndef DOTCACHE_UPSTREAM_EXCHANGE_ATTEMPT_TIMES_H_
#define DOTCACHE_UPSTREAM_EXCHANGE_ATTEMPT_TIMES_H_

#include <cstddef>
#include <cstdint>

#include "core/clock.h"
#include "upstream/exchange/exchange_table.h"
#include "upstream/exchange/upstream_zone.h"

namespace dotcache {

// The next attempt has begun at this server.
void NoteAttempt(ExchangeRecord& exchange, uint8_t server, const AttemptPlace& place,
                 const UpstreamZone::Views& views, MonoTime now);

// The attempt is on this connection now.
void NotePlaced(ExchangeRecord& exchange, size_t index, const AttemptPlace& place, MonoTime now);

// The query of the attempt has left.
void NoteSent(ExchangeRecord& exchange, size_t index, const UpstreamZone::Views& views,
              MonoTime now);

// The patience of attempts that were sent may end here.
void MarkLate(ExchangeRecord& exchange, MonoTime now);

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_EXCHANGE_ATTEMPT_TIMES_H_
