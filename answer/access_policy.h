// SPDX-License-Identifier: Apache-2.0
// The access list: which client addresses may query.
#ifndef DOTCACHE_ANSWER_ACCESS_POLICY_H_
#define DOTCACHE_ANSWER_ACCESS_POLICY_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "net/endpoint.h"

namespace dotcache {

// An address range such as 10.0.0.0/8 or fc00::/7. A value type.
class AddressPrefix {
 public:
  // Parses "ADDRESS/LENGTH", or "ADDRESS" for that one address. Returns kInvalidArgument in these
  // cases:
  // - the text is not an address;
  // - the length does not fit the address family;
  // - a bit beyond the length is set.
  static absl::StatusOr<AddressPrefix> Parse(absl::string_view text);

  bool Contains(const Endpoint& endpoint) const;
  // True if every address of this range is in `other`.
  bool IsWithin(const AddressPrefix& other) const;
  std::string ToString() const;

 private:
  std::array<uint8_t, 16> address_{};  // IPv4 uses the first 4 octets.
  bool is_v6_ = false;
  int length_bits_ = 0;
};

// The ranges that are not public: loopback, RFC 1918, shared (RFC 6598), link-local and unique
// local addresses. They are the default access list, so that a listener on a public address is not
// an open resolver.
std::vector<AddressPrefix> PrivatePrefixes();

// True if one of these ranges has an address outside PrivatePrefixes().
bool HasPublicAddress(const std::vector<AddressPrefix>& prefixes);

// Decides whether a client address is in one of the allowed ranges. Immutable, so any thread may
// call it. Holds at most kMaxPrefixes ranges and checks them in order.
class AccessPolicy {
 public:
  static constexpr size_t kMaxPrefixes = 256;

  explicit AccessPolicy(std::vector<AddressPrefix> allow) : allow_(std::move(allow)) {}
  bool Allows(const Endpoint& client) const;

 private:
  const std::vector<AddressPrefix> allow_;
};

}  // namespace dotcache

#endif  // DOTCACHE_ANSWER_ACCESS_POLICY_H_
