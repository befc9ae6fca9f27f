// SPDX-License-Identifier: Apache-2.0
// Writes replies to clients: a stored message changed for one query, or a reply without records.
#ifndef DOTCACHE_DNS_REPLY_H_
#define DOTCACHE_DNS_REPLY_H_

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/bytes.h"
#include "core/clock.h"
#include "dns/dns_types.h"
#include "dns/edns.h"
#include "dns/query.h"

namespace dotcache {

// A view of a stored message (StoredMessage, CacheEntry). Not owned. REQUIRES of every function
// here: the view comes from StoreResponse() for the same QNAME, so the offsets and the QNAME's size
// are right.
struct StoredView {
  Bytes wire;
  absl::Span<const uint16_t> ttl_offsets;
};

// A UDP reply that names this server is at most this many times as long as its query, because its
// source address may be spoofed.
inline constexpr int kMaxNamedGrowth = 2;

// How the reply differs from the stored message.
struct ReplyOptions {
  Transport transport = Transport::kUdp;
  // Over UDP, a reply has at most min(client's size, this) octets. On a stream the limit is 65,535.
  uint16_t max_udp_payload_size = kOurUdpPayloadSize;
  // Each TTL is reduced by this, not below 0.
  Seconds age{0};
  // When set, every TTL has this value instead (stale data, RFC 8767 section 5).
  std::optional<Seconds> fixed_ttl = std::nullopt;
  // Only sent to clients that sent an OPT.
  std::optional<ExtendedError> upstream_error = std::nullopt;
  std::optional<ExtendedError> extended_error = std::nullopt;
  // Only sent on a stream to clients that sent the option (RFC 7828 section 3.2). Unit: 100 ms.
  std::optional<uint16_t> keepalive_timeout_100ms = std::nullopt;
  // An A or AAAA reply begins with the address at this fraction of the RRset, in units of 2^-32.
  // The order of an RRset has no meaning (RFC 1034 section 3.6). 0: the order of the stored
  // message.
  uint32_t rotation = 0;
  // The server's name, only sent to clients that sent the NSID option (RFC 5001). Empty: not sent.
  // Not owned. Over UDP it is left out if the reply would then be longer than kMaxNamedGrowth times
  // its query, except for a client with a valid cookie.
  absl::string_view nsid = {};
  // Over UDP, the reply has at most this many times the octets of its query. 0: no such limit.
  int max_growth = 0;
};

// The maximum size of a reply on this transport. Over UDP, a reply to QTYPE ANY is limited to 512
// octets, because amplification attacks use ANY (RFC 8482 section 7).
size_t MaxReplySize(const Query& query, const ReplyOptions& options);

// Writes the reply to `query` from `stored`. It contains:
// - ID, RD, CD and the spelling of QNAME from the query, and RA;
// - QTYPE from the query, because one stored NXDOMAIN serves all types of its name (RFC 2308
//   section 5);
// - AD only if the query had AD or DO;
// - TTLs minus the age;
// - an OPT exactly when the query had one: size 1232, DO and the reply cookie of the query. On DoT
//   it is padded when the query was padded.
//
// A reply that is too large loses its additional section first. If that is not enough, it consists
// of header, question and OPT with TC set (RFC 2181 section 9). A client without EDNS also gets the
// first records of the answer, because some of these clients never use TCP. Returns the octets
// written. Returns 0 only when `out` is smaller than the query itself.
size_t BuildReply(const Query& query, const StoredView& stored, const ReplyOptions& options,
                  MutableBytes out);

// Writes a reply with this RCODE and no records.
size_t BuildRcodeReply(const Query& query, Rcode rcode, const ReplyOptions& options,
                       MutableBytes out);

// Writes a reply with TC set and no records, so that the client retries over TCP.
size_t BuildTruncatedReply(const Query& query, const ReplyOptions& options, MutableBytes out);

}  // namespace dotcache

#endif  // DOTCACHE_DNS_REPLY_H_
