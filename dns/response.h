// SPDX-License-Identifier: Apache-2.0
// An upstream server's response: does it belong to our query, is it well formed, what does it say.
#ifndef DOTCACHE_DNS_RESPONSE_H_
#define DOTCACHE_DNS_RESPONSE_H_

#include <cstdint>
#include <optional>
#include <variant>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "core/bytes.h"
#include "core/clock.h"
#include "dns/dns_types.h"
#include "dns/edns.h"
#include "dns/question.h"

namespace dotcache {

// What a response means for the question asked (RFC 2308 sections 1 and 2).
enum class ResponseKind : uint8_t {
  kAnswer,    // Answer section holds the asked type, at the QNAME or the end of its CNAME chain.
  kNoData,    // NOERROR, no such type there.
  kNxDomain,  // NXDOMAIN: the QNAME, or the end of its CNAME chain, does not exist.
  kReferral,  // NOERROR, empty answer, NS without SOA: a forwarder's upstream must not say this.
  kServFail,
  kOtherError,  // Any other RCODE.
};

// Position of one RR's TTL field, and the TTL that it stands for: 0 where the top bit was set (RFC
// 2181 section 8), the lowest of its RRset (RFC 2181 section 5.2).
struct TtlField {
  uint16_t offset = 0;
  uint32_t ttl = 0;
};

// The outcome of inspecting a response that matches its question.
struct ResponseFacts {
  ResponseKind kind = ResponseKind::kServFail;
  Rcode rcode = Rcode::kServFail;  // Extended: twelve bits.
  bool truncated = false;          // TC=1: never stored.
  EdnsInfo edns;                   // The upstream's OPT, if any. Hop-by-hop: never relayed.
  // Lowest TTL of the answer section; nullopt when that section is empty.
  std::optional<uint32_t> answer_ttl;
  // min(TTL, MINIMUM) of the authority section's SOA whose owner is at or above the QNAME or the
  // end of its CNAME chain (RFC 2308 section 3); nullopt without such an SOA.
  std::optional<uint32_t> soa_ttl;
  // Index into `ttl_fields` of that SOA; -1 without.
  int soa_field = -1;
  // Of every RR kept, in message order; TTLs as received, not capped.
  absl::InlinedVector<TtlField, 16> ttl_fields;
  // Foreign records are cut out of the message: of the answer section what is not on the way from
  // the QNAME to the data; of the authority section all but NSEC and NSEC3, in a negative response
  // the SOA, and signatures over these; of the additional section what nothing that stays refers
  // to; OPT and TSIG. Where records stay behind a cut, this is the message without those that go,
  // and the offsets of `ttl_fields` are offsets into it; else empty.
  WireMessage trimmed;
  // That message, or else the response itself, is kept up to here, with these counts.
  uint16_t kept_size = 0;
  uint16_t kept_ancount = 0;
  uint16_t kept_nscount = 0;
  uint16_t kept_arcount = 0;
};

// Why a response is not used.
enum class ResponseDefect : uint8_t {
  kNotOurs,      // Wrong QR, opcode, question: keep waiting for the right one (RFC 5452 section 9).
  kMalformed,    // Ours, but broken: ask the next server.
  kNotAnAnswer,  // Well formed, but no answer to the question: foreign records, CNAME loop.
};

absl::string_view ResponseDefectName(ResponseDefect defect);

// True when the message is a response (QR=1, opcode QUERY) that repeats exactly our question, ASCII
// case ignored; or one with an error RCODE that has no question and no records but an OPT, which is
// how some servers refuse. The ID has been looked up by the caller. Cheap; safe on any octets.
bool BelongsToQuestion(Bytes response, const Question& question);

// Validates a response octet by octet: our own bounds-checked walk over every RR first (pointers
// strictly backwards, names and RDATA inside their limits, counts agree with octets, at most one
// OPT, root-owned, in the additional section), then ldns on every record with its position compared
// after each, because ldns neither bounds its work nor seeks to the RDATA's end. Bounded work on
// any input.
std::variant<ResponseFacts, ResponseDefect> InspectResponse(Bytes response,
                                                            const Question& question);

// A response as the cache keeps it and replies are copied from: without OPT, ID 0, QNAME lower
// case, flags ours (QR, RA; AD as received; AA, Z, RD, CD, TC cleared), each TTL field normalised
// and capped. An RCODE above 15 is about the EDNS between us and the upstream server (BADVERS,
// BADCOOKIE) and means nothing to a client: it is kept as SERVFAIL.
struct StoredMessage {
  WireMessage wire;
  absl::InlinedVector<uint16_t, 16> ttl_offsets;
};

// The bounds applied to the TTLs of what is kept.
struct TtlCaps {
  Seconds positive{86400};
  Seconds negative{3600};
  // Least TTL in positive answers. A TTL of 0 stays 0, and the cap above wins. Anything but 0
  // serves data longer than its owner allows.
  Seconds floor{0};
};

// REQUIRES: `facts` is InspectResponse()'s outcome for these very octets. In a negative response
// the SOA's TTL becomes min(TTL, MINIMUM, caps.negative) (RFC 2308 section 5).
StoredMessage StoreResponse(Bytes response, const ResponseFacts& facts, const TtlCaps& caps);

}  // namespace dotcache

#endif  // DOTCACHE_DNS_RESPONSE_H_
