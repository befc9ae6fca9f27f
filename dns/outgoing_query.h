// SPDX-License-Identifier: Apache-2.0
// The query that we send to an upstream server in place of the client's.
#ifndef DOTCACHE_DNS_OUTGOING_QUERY_H_
#define DOTCACHE_DNS_OUTGOING_QUERY_H_

#include <cstdint>

#include "core/bytes.h"
#include "dns/question.h"

namespace dotcache {

// What of a client's query reaches an upstream server: the question and the two bits that change
// the answer. Client subnet, cookies, unknown options and the client's spelling stay here.
struct UpstreamQuery {
  Question question;
  bool dnssec_ok = false;
  bool checking_disabled = false;
};

// Largest message BuildUpstreamQuery() makes: header, question, OPT with padding and keepalive.
inline constexpr size_t kMaxUpstreamQuerySize = 512;

// Writes the query with this ID: RD=1, AD=1 (we want to know, RFC 6840 section 5.7), CD and DO as
// asked, OPT with size 1232, an empty keepalive option when `ask_keepalive` (RFC 7828 section
// 3.2.1; streams only), and, when `padded`, padding to a multiple of 128 octets (RFC 8467 section
// 4.1; encrypted transports only). Returns the octets written. REQUIRES: out.size() >=
// kMaxUpstreamQuerySize.
struct UpstreamQueryFormat {
  bool padded = true;
  bool ask_keepalive = true;
};
size_t BuildUpstreamQuery(const UpstreamQuery& query, uint16_t id,
                          const UpstreamQueryFormat& format, MutableBytes out);

}  // namespace dotcache

#endif  // DOTCACHE_DNS_OUTGOING_QUERY_H_
