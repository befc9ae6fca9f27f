// SPDX-License-Identifier: Apache-2.0
// One resource record from text.
#ifndef DOTCACHE_DNS_RECORD_TEXT_H_
#define DOTCACHE_DNS_RECORD_TEXT_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/bytes.h"
#include "dns/dns_types.h"
#include "dns/domain_name.h"

namespace dotcache {

// A record of class IN.
struct ResourceRecord {
  DomainName owner;
  QType type = QType::kNone;
  uint32_t ttl = 0;
  WireMessage rdata;  // Names uncompressed.
};

// Parses one line of a master file (RFC 1035 section 5.1), such as
//
//   printer.corp.example. 300 IN A 10.0.0.7
//
// TTL and class may be left out. All names are absolute, with or without the last dot; there is no
// origin, no directive and no second line. Only types that make sense without a zone around them:
// A, AAAA, CNAME, PTR, MX, TXT, SRV, NAPTR, SSHFP, TLSA, SVCB, HTTPS, URI, CAA. No wildcards, not
// the root. Stricter than ldns, which does the parsing: numbers that are too large for their field
// and quotes without end are errors. kInvalidArgument says what is wrong.
absl::StatusOr<ResourceRecord> ParseRecordText(absl::string_view text, uint32_t default_ttl);

}  // namespace dotcache

#endif  // DOTCACHE_DNS_RECORD_TEXT_H_
