// SPDX-License-Identifier: Apache-2.0
// Finds and checks the records of a response.
#ifndef DOTCACHE_DNS_RESPONSE_WALK_H_
#define DOTCACHE_DNS_RESPONSE_WALK_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/container/inlined_vector.h"
#include "core/bytes.h"
#include "dns/dns_types.h"
#include "dns/domain_name.h"
#include "dns/edns.h"
#include "dns/message_header.h"

namespace dotcache {

enum class Section : uint8_t { kAnswer, kAuthority, kAdditional };

// One RR of a checked response. Its octets are [begin, end).
struct ResponseRecord {
  size_t owner_hash = 0;  // HashName() of the canonical owner name.
  uint16_t begin = 0;
  uint16_t rdata_begin = 0;
  uint16_t end = 0;
  Section section = Section::kAnswer;
  QType type = QType::kNone;
  QType covered = QType::kNone;  // The type that an RRSIG covers; for other types the type itself.
  uint32_t ttl = 0;              // 0 when the top bit is set (RFC 2181 section 8).
  // The octets cannot be relayed. The cause is a name in RDATA that must be written in full (RFC
  // 3597 section 4), or a QNAME as owner that is no pointer to the question.
  bool must_rewrite = false;

  size_t ttl_offset() const { return rdata_begin - size_t{6}; }
  size_t rdata_size() const { return size_t{end} - rdata_begin; }
};

using ResponseRecords = absl::InlinedVector<ResponseRecord, 16>;

struct WalkedResponse {
  MessageHeader header;
  EdnsInfo edns;
  Bytes extra_text;  // Of the extended error; a part of the response.
  // In message order, up to the first OPT or TSIG. Records from there on are checked but not
  // listed.
  ResponseRecords records;
};

// Hashes a canonical name. Two names can have the same hash. Where that could do harm, the caller
// must also compare the names.
size_t HashName(const DomainName& canonical);

// Checks every RR after the question, which ends at `records_begin`. WireCursor and the formats of
// rdata.h check each record first. ldns then parses the record, and its end position must match.
// The check is first, because ldns does not limit the pointers that it follows and does not stay
// inside RDATA.
//
// nullopt when the message is malformed:
// - octets are missing or left over;
// - the class is not IN, or the type cannot be the type of an RR;
// - OPT occurs twice, is misplaced, has a version above 0 or invalid options;
// - TSIG occurs twice or is not the last record.
std::optional<WalkedResponse> WalkResponse(Bytes response, size_t records_begin);

// The owner name of a record, and the first name of its RDATA (CNAME, DNAME). Both are canonical.
// REQUIRES: the record comes from WalkResponse(response).
DomainName OwnerName(Bytes response, const ResponseRecord& record);
DomainName TargetName(Bytes response, const ResponseRecord& record);

// Gives all records of an RRset, and the RRSIGs over it, the lowest of their TTLs (RFC 2181 section
// 5.2, RFC 4034 section 3).
void LowerToRrsetTtls(ResponseRecords& records);

}  // namespace dotcache

#endif  // DOTCACHE_DNS_RESPONSE_WALK_H_
