// SPDX-License-Identifier: Apache-2.0
// What a worker notes about one query or one reply.
#ifndef DOTCACHE_QUERY_LOG_QUERY_NOTE_H_
#define DOTCACHE_QUERY_LOG_QUERY_NOTE_H_

#include <cstdint>

#include "core/bytes.h"
#include "core/clock.h"
#include "core/names.h"
#include "dns/dns_types.h"
#include "dns/domain_name.h"
#include "net/endpoint.h"

namespace dotcache {

// Where the reply came from.
enum class NoteSource : uint8_t {
  kHit,      // Fresh data of the cache.
  kStale,    // Stale data of the cache.
  kMiss,     // The response of an exchange.
  kLocal,    // Local names, and answers of the server itself.
  kFailure,  // A failed exchange, now or remembered.
  kRefused,  // The query was not served: refused, malformed, or limited.
};

inline constexpr Named<NoteSource> kNoteSourceNames[] = {
    {NoteSource::kHit, "hit"},         {NoteSource::kStale, "stale"},
    {NoteSource::kMiss, "miss"},       {NoteSource::kLocal, "local"},
    {NoteSource::kFailure, "failure"}, {NoteSource::kRefused, "refused"},
};

// A query or its reply. Copied with memcpy between threads, so without pointers.
struct QueryNote {
  bool is_reply = false;
  Transport transport = Transport::kUdp;
  NoteSource source = NoteSource::kHit;
  Rcode rcode = Rcode::kNoError;
  QType qtype = QType::kNone;  // kNone: the question is not known.
  Endpoint client = {};
  MonoTime received_at = MonoTime();  // The query.
  MonoTime replied_at = MonoTime();
  DomainName name = {};
};

}  // namespace dotcache

#endif  // DOTCACHE_QUERY_LOG_QUERY_NOTE_H_
