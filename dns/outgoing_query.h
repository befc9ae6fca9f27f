// SPDX-License-Identifier: Apache-2.0
// Builds the query that is sent to an upstream server.
#ifndef DOTCACHE_DNS_OUTGOING_QUERY_H_
#define DOTCACHE_DNS_OUTGOING_QUERY_H_

#include <cstdint>

#include "core/bytes.h"
#include "dns/question.h"

namespace dotcache {

// How much of EDNS a query uses. Less is for servers that do not understand more.
enum class EdnsUse : uint8_t { kFull, kWithoutOptions, kNone };

// The parts of a client's query that an upstream server sees: the question and the two bits that
// change the response, and how much of EDNS the server understands. Client subnet, cookies, unknown
// options and the spelling of the QNAME are not forwarded.
struct UpstreamQuery {
  Question question;
  bool dnssec_ok = false;
  bool checking_disabled = false;
  // A hash of the client that began the exchange, so that clients share the places of a server. 0:
  // none. Never sent.
  uint64_t client = 0;
  EdnsUse edns = EdnsUse::kFull;
  // The query and its responses are shown to the MessageObserver. Never sent.
  bool observed = false;
};

// Size of the largest message that BuildUpstreamQuery() writes: header, question, OPT with padding
// and keepalive.
inline constexpr size_t kMaxUpstreamQuerySize = 512;

// The options that depend on the transport.
struct UpstreamQueryFormat {
  // Pads to a multiple of 128 octets (RFC 8467 section 4.1). For encrypted transports only.
  bool padded = true;
  // Adds an empty keepalive option (RFC 7828 section 3.2.1). For streams only.
  bool ask_keepalive = true;
};

// Writes the query with this ID and returns its size. It has RD=1, CD and DO as in `query`, and an
// OPT with size 1232, unless `query.edns` is less. AD=1 requests the AD bit of the response (RFC
// 6840 section 5.7). REQUIRES: out.size() >= kMaxUpstreamQuerySize.
size_t BuildUpstreamQuery(const UpstreamQuery& query, uint16_t id,
                          const UpstreamQueryFormat& format, MutableBytes out);

}  // namespace dotcache

#endif  // DOTCACHE_DNS_OUTGOING_QUERY_H_
