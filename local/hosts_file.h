// SPDX-License-Identifier: Apache-2.0
// Parses lines of a hosts file.
#ifndef DOTCACHE_LOCAL_HOSTS_FILE_H_
#define DOTCACHE_LOCAL_HOSTS_FILE_H_

#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "dns/domain_name.h"
#include "net/endpoint.h"

namespace dotcache {

// The contents of one line (hosts(5)): an address, its canonical name and its aliases.
struct HostsLine {
  std::optional<Endpoint> address;  // nullopt: the line gives no record.
  std::vector<DomainName> names;    // At least one when there is an address.
};

// Parses a line without its end-of-line. A comment begins with '#'. Blanks and a CR at the end are
// ignored. A line whose address has a scope (fe80::1%eth0) is checked but gives no record, because
// records have no scope. The error kInvalidArgument names the fault: no address, no name, an
// invalid name or a wildcard.
absl::StatusOr<HostsLine> ParseHostsLine(absl::string_view line);

// The owner name of the PTR record of an address: 7.0.0.10.in-addr.arpa (RFC 1035 section 3.5), or
// 32 nibbles below ip6.arpa (RFC 3596 section 2.5).
DomainName ReverseName(const Endpoint& address);

}  // namespace dotcache

#endif  // DOTCACHE_LOCAL_HOSTS_FILE_H_
