// SPDX-License-Identifier: Apache-2.0
// Lines of a hosts file.
#ifndef DOTCACHE_LOCAL_HOSTS_FILE_H_
#define DOTCACHE_LOCAL_HOSTS_FILE_H_

#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "dns/domain_name.h"
#include "net/endpoint.h"

namespace dotcache {

// What one line says (hosts(5)): an address, its canonical name and aliases.
struct HostsLine {
  std::optional<Endpoint> address;  // nullopt: the line says nothing that DNS can.
  std::vector<DomainName> names;    // At least one with an address.
};

// Parses a line without its end. Comments begin with '#', blanks and a CR at the end do not count.
// A line whose address has a scope (fe80::1%eth0) is read and says nothing: no record has one.
// kInvalidArgument says what is wrong: no address, no name, a name that is none or is a wildcard.
absl::StatusOr<HostsLine> ParseHostsLine(absl::string_view line);

// The name that has the PTR of an address: 7.0.0.10.in-addr.arpa (RFC 1035 section 3.5), or the 32
// nibbles below ip6.arpa (RFC 3596 section 2.5).
DomainName ReverseName(const Endpoint& address);

}  // namespace dotcache

#endif  // DOTCACHE_LOCAL_HOSTS_FILE_H_
