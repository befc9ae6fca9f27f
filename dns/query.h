// SPDX-License-Identifier: Apache-2.0
// Parses a client's query, or gives the reason to reject it.
#ifndef DOTCACHE_DNS_QUERY_H_
#define DOTCACHE_DNS_QUERY_H_

#include <cstdint>
#include <optional>
#include <variant>

#include "absl/strings/string_view.h"
#include "core/bytes.h"
#include "dns/dns_types.h"
#include "dns/domain_name.h"
#include "dns/edns.h"
#include "dns/question.h"

namespace dotcache {

// A well-formed query with opcode QUERY and an ordinary QTYPE. A query of class IN may be answered
// from the cache or sent upstream. A query of class CHAOS is answered locally or refused. A value
// type; it does not refer to the parsed octets.
struct Query {
  Query() {}  // "= default" would clear 500 octets of name buffers for each query.

  uint16_t id = 0;
  uint16_t message_size = 0;  // Octets of the whole message.
  bool recursion_desired = false;
  bool authentic_data = false;
  bool checking_disabled = false;
  // False for QDCOUNT 0 with a cookie: the client requests only a server cookie (RFC 7873 section
  // 5.4).
  bool has_question = true;
  DomainName qname;   // In the client's spelling; copied to the reply.
  Question question;  // Canonical.
  EdnsInfo edns;
  // Data of the COOKIE option for the reply. The code that answers the query sets it.
  std::optional<FullCookie> reply_cookie;
  // The client has shown a valid server cookie, so its address is not spoofed.
  bool has_good_cookie = false;
};

// Why a query is not served. Each reason has a counter.
enum class RejectionReason : uint8_t {
  kTooShort,           // Fewer than 12 octets.
  kIsResponse,         // QR=1.
  kOpcode,             // Any opcode except QUERY.
  kQuestionCount,      // QDCOUNT is not 1, and the query does not ask for a cookie.
  kBadQuestion,        // QNAME or question truncated, too long, reserved label, or pointer.
  kUnexpectedRecords,  // Records other than one OPT in the additional section.
  kTrailingOctets,     // Octets after the last record, or the message is over the size limit.
  kBadEdns,            // OPT malformed, present twice, or not owned by the root.
  kEdnsVersion,        // EDNS version above 0.
  kTransaction,        // TSIG or SIG(0): forwarding would break the signature.
  kZoneTransfer,       // AXFR, IXFR.
  kMetaType,           // QTYPE not allowed in a query: OPT, TSIG, TKEY, MAILA, MAILB, 0.
  kClass,              // Class other than IN, or a CHAOS name that is not served.
  kNoCookie,           // UDP without a required cookie: the client must retry over TCP.
  kBadCookie,          // A server cookie is required and is missing or wrong.
  kReplyRate,          // UDP above the rate of equal replies to one network.
};
inline constexpr int kRejectionReasonCount = 16;

absl::string_view RejectionReasonName(RejectionReason reason);

// The reaction to a rejected query: no reply, or an error reply from BuildErrorReply().
struct Rejection {
  RejectionReason reason = RejectionReason::kTooShort;
  bool reply = false;  // False: drop (UDP) or close (stream).
  Rcode rcode = Rcode::kFormErr;
  uint16_t question_size = 0;  // Size of the question to copy to the reply. 0: QDCOUNT 0.
  bool has_edns = false;       // Only then the reply has an OPT.
  bool dnssec_ok = false;
  bool has_padding = false;  // Over DoT the reply is then padded, too.
  uint16_t tsig_at = 0;      // Offset of a TSIG for ReadTsig(). 0: the reply has no TSIG.
};

// Parses one message from a client (RFC 1035, 6891, 8906, 9619, 5625). A structural gate checks the
// message first and bounds the work. ldns then reads all octets that remain. Any input up to 65,535
// octets takes a few microseconds at most. Hostile input gives a Rejection.
std::variant<Query, Rejection> ParseQuery(Bytes message);

// Makes the rejection for a well-formed query.
Rejection RejectionOf(const Query& query, RejectionReason reason, Rcode rcode);

}  // namespace dotcache

#endif  // DOTCACHE_DNS_QUERY_H_
