// SPDX-License-Identifier: Apache-2.0
#include "upstream/api/upstream_options.h"

#include <iterator>

#include "absl/strings/str_cat.h"
#include "core/names.h"

namespace dotcache {
namespace {

constexpr absl::string_view kPolicyNames[] = {"balanced",   "fastest",  "round-robin", "random",
                                              "sequential", "weighted", "sticky-hash"};
static_assert(std::size(kPolicyNames) == static_cast<size_t>(SelectionPolicy::kStickyHash) + 1);

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
  return NameInOrder(kPolicyNames, policy);
}

}  // namespace dotcache
