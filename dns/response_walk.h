// SPDX-License-Identifier: Apache-2.0
// The records of a response, found and checked.
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

// One RR of a response that has been walked: its octets are [begin, end).
struct ResponseRecord {
  size_t owner_hash = 0;  // Of the canonical owner name; see HashName().
  uint16_t begin = 0;
  uint16_t rdata_begin = 0;
  uint16_t end = 0;
  Section section = Section::kAnswer;
  QType type = QType::kNone;
  QType covered = QType::kNone;  // What an RRSIG covers; for other types the type itself.
  uint32_t ttl = 0;              // 0 where the top bit is set (RFC 2181 section 8).

  size_t ttl_offset() const { return rdata_begin - size_t{6}; }
  size_t rdata_size() const { return size_t{end} - rdata_begin; }
};

using ResponseRecords = absl::InlinedVector<ResponseRecord, 16>;

struct WalkedResponse {
  MessageHeader header;
  EdnsInfo edns;
  // In message order, up to the first OPT or TSIG; that and what follows it is checked, not listed.
  ResponseRecords records;
};

// Hashes a canonical name. Where a false match would do harm the names are compared too.
size_t HashName(const DomainName& canonical);

// Walks every RR behind the question, which ends at `records_begin`, with the project's own cursor
// and the RDATA forms of rdata.h; then hands each record to ldns and compares where it ended. The
// order matters: ldns neither bounds the pointers it follows nor stays inside RDATA, so it only
// ever sees what the walk has passed. nullopt when the message is malformed: octets missing or left
// over, a class other than IN, a type that no RR has, OPT doubled, misplaced, of a version above 0
// or with broken options, TSIG doubled or not last.
std::optional<WalkedResponse> WalkResponse(Bytes response, size_t records_begin);

// The owner name of a record, and the name that its RDATA begins with (CNAME, DNAME), canonical.
// REQUIRES: the record comes from WalkResponse(response).
DomainName OwnerName(Bytes response, const ResponseRecord& record);
DomainName TargetName(Bytes response, const ResponseRecord& record);

// Gives all records of an RRset, and the RRSIGs over it, the lowest of their TTLs (RFC 2181
// section 5.2, RFC 4034 section 3).
void LowerToRrsetTtls(ResponseRecords& records);

}  // namespace dotcache

#endif  // DOTCACHE_DNS_RESPONSE_WALK_H_
