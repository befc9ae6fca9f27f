// SPDX-License-Identifier: Apache-2.0
// Parses one resource record from text.
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
  WireMessage rdata;  // Names are uncompressed.
};

// Parses one line of a master file (RFC 1035 section 5.1), for example:
//
//   printer.corp.example. 300 IN A 10.0.0.7
//
// TTL and class are optional. All names are absolute, with or without the trailing dot. Origins,
// directives and continuation lines are not supported. The owner must not be a wildcard or the
// root.
//
// Only types that need no zone are allowed: A, AAAA, CNAME, PTR, MX, TXT, SRV, NAPTR, SSHFP, TLSA,
// SVCB, HTTPS, URI, CAA.
//
// ldns parses the text. This function also rejects numbers too large for their field, and strings
// without a closing quote. The error kInvalidArgument names the fault.
absl::StatusOr<ResourceRecord> ParseRecordText(absl::string_view text, uint32_t default_ttl);

}  // namespace dotcache

#endif  // DOTCACHE_DNS_RECORD_TEXT_H_
