// SPDX-License-Identifier: Apache-2.0
#include "admin/http_host.h"

#include "absl/strings/match.h"
#include "net/endpoint.h"

namespace dotcache {
namespace {

constexpr uint16_t kHttpPort = 80;  // Any port works here: only the address matters.

}  // namespace

bool IsAddressOrLocalhost(absl::string_view host) {
  if (Endpoint::Parse(host, kHttpPort).ok()) return true;
  const size_t colon = host.find(':');
  const bool digits_alone =
      colon == host.npos || host.find_first_not_of("0123456789", colon + 1) == host.npos;
  return digits_alone && absl::EqualsIgnoreCase(host.substr(0, colon), "localhost");
}

}  // namespace dotcache
