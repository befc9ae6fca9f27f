// SPDX-License-Identifier: Apache-2.0
#include "admin/http_host.h"

#include <sys/utsname.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "net/endpoint.h"

namespace dotcache {
namespace {

constexpr uint16_t kHttpPort = 80;  // Any port works here: only the address matters.

// "name:9153" is `name`, with or without a port.
bool Names(absl::string_view host, absl::string_view name) {
  const size_t colon = host.find(':');
  const bool digits_alone =
      colon == host.npos || host.find_first_not_of("0123456789", colon + 1) == host.npos;
  return digits_alone && absl::EqualsIgnoreCase(host.substr(0, colon), name);
}

}  // namespace

bool IsAddressOrLocalhost(absl::string_view host) {
  return Endpoint::Parse(host, kHttpPort).ok() || Names(host, "localhost");
}

bool IsAllowedHost(absl::string_view host, const std::vector<std::string>& names) {
  return IsAddressOrLocalhost(host) ||
         std::any_of(names.begin(), names.end(),
                     [host](const std::string& name) { return Names(host, name); });
}

std::string MachineName() {
  utsname names;
  return uname(&names) == 0 ? names.nodename : "localhost";
}

}  // namespace dotcache
