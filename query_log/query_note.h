// SPDX-License-Identifier: Apache-2.0
// What a worker notes about one query or one reply.
#ifndef DOTCACHE_QUERY_LOG_QUERY_NOTE_H_
#define DOTCACHE_QUERY_LOG_QUERY_NOTE_H_

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "core/bytes.h"
#include "core/clock.h"
#include "dns/dns_types.h"
#include "dns/domain_name.h"
#include "net/endpoint.h"
#include "query_log/reply_source.h"

namespace dotcache {

enum class NoteKind : uint8_t { kClientQuery, kClientReply, kUpstreamQuery, kUpstreamResponse };

// A message. Copied with memcpy between threads, so without pointers.
struct QueryNote {
  NoteKind kind = NoteKind::kClientQuery;
  Transport transport = Transport::kUdp;
  ReplySource source = ReplySource::kHit;
  Rcode rcode = Rcode::kNoError;
  QType qtype = QType::kNone;   // kNone: the question is not known.
  Endpoint peer = {};           // The client, or the upstream server.
  MonoTime begun = MonoTime();  // When the query was received or sent,
  MonoTime ended = MonoTime();  // and its reply or response.
  DomainName name = {};
  // Of an upstream server: its zone, by the number of the name's last labels. 0: the root.
  uint8_t zone_labels = 0;

  bool is_upstream() const { return kind >= NoteKind::kUpstreamQuery; }
  MonoTime at() const { return is_reply() ? ended : begun; }
  int64_t elapsed_us() const {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::max(ended - begun, Duration(0)))
        .count();
  }
  bool is_reply() const {
    return kind == NoteKind::kClientReply || kind == NoteKind::kUpstreamResponse;
  }
};

}  // namespace dotcache

#endif  // DOTCACHE_QUERY_LOG_QUERY_NOTE_H_
