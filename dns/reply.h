// SPDX-License-Identifier: Apache-2.0
// Replies to clients: a stored message patched for one query, an error, or a message of our own.
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

// A view of a stored message (StoredMessage, CacheEntry). REQUIRES of every function here: the view
// comes from StoreResponse() for the same QNAME, so that offsets and QNAME size are right.
struct StoredView {
  Bytes wire;
  absl::Span<const uint16_t> ttl_offsets;
};

// How the reply differs from what is stored.
struct ReplyOptions {
  Transport transport = Transport::kUdp;
  // Over UDP a reply holds at most min(client's size, this) octets; on a stream 65,535.
  uint16_t max_udp_payload_size = kOurUdpPayloadSize;
  // Each TTL is reduced by this, not below 0.
  Seconds age{0};
  // When set, every TTL reads this instead (stale data, RFC 8767 section 5).
  std::optional<Seconds> fixed_ttl = std::nullopt;
  // Sent only to clients that sent an OPT.
  std::optional<ExtendedError> extended_error = std::nullopt;
  // Sent on a stream to clients that sent the option (RFC 7828 section 3.2); unit 100 ms.
  std::optional<uint16_t> keepalive_timeout_100ms = std::nullopt;
  // Our name, sent to clients that sent the NSID option (RFC 5001); empty: not sent. Not owned.
  absl::string_view nsid = {};
};

// Octets that no reply exceeds on this transport for this query. Over UDP a reply to QTYPE ANY
// stays within 512, since it is what amplifiers ask for (RFC 8482 section 7).
size_t MaxReplySize(const Query& query, const ReplyOptions& options);

// Writes the reply to `query` made of `stored`: the query's ID, RD, CD, QNAME spelling and QTYPE
// (for a denial that is stored once for all types of its name, RFC 2308 section 5), RA, AD only to
// who sent AD or DO, aged TTLs, an OPT exactly when the query had one (size 1232, DO copied, with
// the reply cookie, padded on DoT when the query was padded). Where it does not fit with that, the
// additional section gives way; what is still too large becomes header, question and OPT with TC
// set (RFC 2181 section 9). Returns the octets written; 0 only when `out` is smaller than the query
// itself.
size_t BuildReply(const Query& query, const StoredView& stored, const ReplyOptions& options,
                  MutableBytes out);

// Writes a reply with this RCODE and no records.
size_t BuildRcodeReply(const Query& query, Rcode rcode, const ReplyOptions& options,
                       MutableBytes out);

// Writes a reply with TC set and no records: the client is to come back over TCP.
size_t BuildTruncatedReply(const Query& query, const ReplyOptions& options, MutableBytes out);

// Writes the error reply to a message that ParseQuery() rejected with `reply` set. Never longer
// than the message. REQUIRES: message.size() >= kHeaderSize, rejection.reply.
size_t BuildErrorReply(Bytes message, const Rejection& rejection, MutableBytes out);

}  // namespace dotcache

#endif  // DOTCACHE_DNS_REPLY_H_
