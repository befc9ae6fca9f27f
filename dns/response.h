// SPDX-License-Identifier: Apache-2.0
// Checks whether an upstream server's response matches its query and is well formed, and classifies
// it.
#ifndef DOTCACHE_DNS_RESPONSE_H_
#define DOTCACHE_DNS_RESPONSE_H_

#include <cstdint>
#include <optional>
#include <variant>

#include "absl/container/inlined_vector.h"
#include "core/bytes.h"
#include "core/clock.h"
#include "dns/dns_types.h"
#include "dns/edns.h"
#include "dns/question.h"

namespace dotcache {

// The meaning of a response for its question (RFC 2308 sections 1 and 2).
enum class ResponseKind : uint8_t {
  kAnswer,    // Data of the QTYPE, at the QNAME or at the end of its CNAME chain.
  kNoData,    // NOERROR without data of the QTYPE.
  kNxDomain,  // NXDOMAIN: the QNAME, or the end of its CNAME chain, does not exist.
  kReferral,  // NOERROR, empty answer, NS without SOA. A recursive resolver must not send this.
  kServFail,
  kOtherError,  // Any other RCODE.
};

// The offset of one RR's TTL field, and the TTL to use. That is the lowest TTL of its RRset (RFC
// 2181 section 5.2), or 0 when the top bit is set (RFC 2181 section 8).
struct TtlField {
  uint16_t offset = 0;
  uint32_t ttl = 0;
};

// The result for a response that matches its question. A value type.
struct ResponseFacts {
  ResponseKind kind = ResponseKind::kServFail;
  Rcode rcode = Rcode::kServFail;  // Twelve bits, including those of OPT.
  bool truncated = false;          // TC=1. Never stored.
  uint16_t origin = 0;             // Tag of the provider that sent it (OriginTag). 0: not known.
  bool has_alias = false;          // An alias of the QNAME leads to the answer or to the denial.
  EdnsInfo edns;                   // The upstream's OPT, if any. Hop-by-hop, so never relayed.
  // The upstream's extended error (RFC 8914), with a text that may be relayed.
  std::optional<ExtendedError> extended_error;
  // The lowest TTL of the answer section. nullopt when the section is empty.
  std::optional<uint32_t> answer_ttl;
  // min(TTL, MINIMUM) of the SOA in the authority section. The owner of the SOA is at or above the
  // QNAME or the end of its CNAME chain (RFC 2308 section 3). nullopt without such an SOA.
  std::optional<uint32_t> soa_ttl;
  // Index of that SOA in `ttl_fields`; -1 without an SOA.
  int soa_field = -1;
  // One for each kept RR, in message order. The caps are not applied yet.
  absl::InlinedVector<TtlField, 16> ttl_fields;
  // Unrelated records are removed. These records stay:
  // - answer section: the records of the chain from the QNAME to the data;
  // - authority section: NSEC, NSEC3, in a negative response the SOA, and the RRSIGs over these;
  // - additional section: records whose owner is on the chain or is named in a kept record. OPT and
  //   TSIG are removed.
  //
  // The kept records are written anew when their octets cannot be relayed:
  // - a kept record follows a removed one;
  // - the answer is not in the order of the chain, or lacks the CNAME below a DNAME;
  // - a name in RDATA must be relayed in full (RFC 3597 section 4);
  // - an owner is the QNAME, but not a pointer to the question. A reply would not show the client's
  //   spelling.
  // Then `rewritten` is the new message, and the offsets of `ttl_fields` refer to it. Otherwise
  // `rewritten` is empty.
  WireMessage rewritten;
  // Size of the kept part, and its counts. It is the start of `rewritten`, or of the response when
  // `rewritten` is empty.
  uint16_t kept_size = 0;
  uint16_t kept_ancount = 0;
  uint16_t kept_nscount = 0;
  uint16_t kept_arcount = 0;
};

// Why a response is not used.
enum class ResponseDefect : uint8_t {
  kNotOurs,      // Wrong QR, opcode or question: the wait continues (RFC 5452 section 9).
  kMalformed,    // Matches, but is malformed: try the next server.
  kNotAnAnswer,  // Well formed, but does not answer the question: unrelated records, a CNAME loop.
};

// True when the message is a response (QR=1, opcode QUERY) with exactly this question, ASCII case
// ignored. Also true for an error RCODE without question and records, except an OPT: some servers
// refuse in this form. The caller has matched the ID. Cheap, and safe for any octets.
bool BelongsToQuestion(Bytes response, const Question& question);

// Validates all octets of a response with bounded work. First, a bounds-checked walk reads every
// RR. It checks names, pointers, RDATA, counts, and OPT. Then ldns parses every record, and its end
// position must match. The walk is first, because ldns does not bound its work and does not check
// the end of the RDATA.
std::variant<ResponseFacts, ResponseDefect> InspectResponse(Bytes response,
                                                            const Question& question);

// A response in the form that the cache keeps and replies copy: no OPT, ID 0, QNAME in lower case,
// normalised and capped TTLs. QR and RA are set, AD is as received, and AA, Z, RD, CD and TC are
// cleared. A value type.
//
// An RCODE above 15 concerns EDNS between this forwarder and the upstream server (BADVERS,
// BADCOOKIE), so it means nothing to a client. It is stored as SERVFAIL.
struct StoredMessage {
  WireMessage wire;
  absl::InlinedVector<uint16_t, 16> ttl_offsets;
};

// The kept part of a response, in the form that is relayed. REQUIRES: as for StoreResponse().
inline Bytes KeptPart(Bytes response, const ResponseFacts& facts) {
  return (facts.rewritten.empty() ? response : Bytes(facts.rewritten)).first(facts.kept_size);
}

// Bounds for the TTLs of stored responses.
struct TtlCaps {
  Seconds positive{86400};
  Seconds negative{3600};
  // Lowest TTL in positive responses. A TTL of 0 stays 0, and `positive` takes precedence. A value
  // above 0 serves data for longer than its owner allows.
  Seconds floor{0};
};

// Makes the stored form. In a negative response, the SOA's TTL becomes min(TTL, MINIMUM,
// caps.negative) (RFC 2308 section 5). REQUIRES: `facts` is the result of InspectResponse() for the
// same octets.
StoredMessage StoreResponse(Bytes response, const ResponseFacts& facts, const TtlCaps& caps);

}  // namespace dotcache

#endif  // DOTCACHE_DNS_RESPONSE_H_
