// SPDX-License-Identifier: Apache-2.0
#include "upstream/api/upstream_options.h"

#include <array>

#include "absl/strings/str_cat.h"

namespace dotcache {
namespace {

constexpr std::array<absl::string_view, 7> kPolicyNames = {
    "balanced", "fastest", "round-robin", "random", "sequential", "weighted", "sticky-hash"};

}  // namespace

std::string UpstreamServerOptions::Label() const {
  return host.empty() ? endpoint.ToString() : absl::StrCat(host, "/", slot);
}

UpstreamServerOptions UpstreamServerOptions::At(const Endpoint& address) const {
  UpstreamServerOptions same = *this;
  same.endpoint = address;
  same.identity.address = address.AddressToString();
  return same;
}

absl::string_view SelectionPolicyName(SelectionPolicy policy) {
  return kPolicyNames[static_cast<size_t>(policy)];
}

}  // namespace dotcache
