// SPDX-License-Identifier: Apache-2.0
// A client's query: from octets to a value, or a reason why not.
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

// A well-formed query of opcode QUERY and an ordinary QTYPE. Of class IN it may be answered from
// the cache or sent upstream; of class CHAOS it may only be answered here. A value; holds nothing
// of the octets it was parsed from.
struct Query {
  Query() {}  // Not "= default": that would clear 500 octets of name buffers for each query.

  uint16_t id = 0;
  bool recursion_desired = false;
  bool authentic_data = false;
  bool checking_disabled = false;
  // False for QDCOUNT 0 with a cookie, which asks for a server cookie and nothing else (RFC 7873
  // section 5.4).
  bool has_question = true;
  DomainName qname;   // As the client spelled it; echoed in the reply.
  Question question;  // Canonical.
  EdnsInfo edns;
  // What the COOKIE option of the reply says; none unless whoever answers has set it.
  std::optional<FullCookie> reply_cookie;
};

// Why a query is not served. Each has a counter of its own.
enum class RejectionReason : uint8_t {
  kTooShort,           // Fewer than 12 octets.
  kIsResponse,         // QR=1.
  kOpcode,             // Anything but QUERY.
  kQuestionCount,      // QDCOUNT is not 1, and it is not a query for a cookie.
  kBadQuestion,        // QNAME or question cut short, too long, reserved label, pointer.
  kUnexpectedRecords,  // Records other than one OPT in the additional section.
  kTrailingOctets,     // The message goes on after its last record, or is over the size limit.
  kBadEdns,            // OPT malformed, doubled, or not owned by the root.
  kEdnsVersion,        // EDNS version above 0.
  kTransaction,        // TSIG or SIG(0): never forwarded with a broken signature.
  kZoneTransfer,       // AXFR, IXFR.
  kMetaType,           // QTYPE that cannot be asked: OPT, TSIG, TKEY, MAILA, MAILB, 0.
  kClass,              // Class other than IN, or a CHAOS name that is not answered.
  kNoCookie,           // Over UDP, where cookies are required: sent to TCP.
  kBadCookie,          // A server cookie was required and was missing or wrong.
};
inline constexpr int kRejectionReasonCount = 15;

absl::string_view RejectionReasonName(RejectionReason reason);

// What to do with a query that is not served: silence, or an error reply that BuildErrorReply
// makes.
struct Rejection {
  RejectionReason reason = RejectionReason::kTooShort;
  bool reply = false;  // False: drop (UDP) or close (stream).
  Rcode rcode = Rcode::kFormErr;
  uint16_t question_size = 0;  // Octets after the header to echo as the question; 0: QDCOUNT 0.
  bool has_edns = false;       // A reply gets an OPT only then.
  bool dnssec_ok = false;
};

// Judges one message from a client (house rules a-d; RFC 1035, 6891, 8906, 9619, 5625). A
// structural gate of our own comes first and bounds the work; ldns then reads every octet that
// remains. Costs at most a few microseconds for any input up to 65,535 octets and never fails on
// hostile input.
std::variant<Query, Rejection> ParseQuery(Bytes message);

// The rejection of a query that is well formed.
Rejection RejectionOf(const Query& query, RejectionReason reason, Rcode rcode);

}  // namespace dotcache

#endif  // DOTCACHE_DNS_QUERY_H_
