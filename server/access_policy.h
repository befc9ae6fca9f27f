// SPDX-License-Identifier: Apache-2.0
// Who may ask.
#ifndef DOTCACHE_SERVER_ACCESS_POLICY_H_
#define DOTCACHE_SERVER_ACCESS_POLICY_H_

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
  // An address without a length stands for itself alone. kInvalidArgument when the text is no
  // address, the length does not fit it, or bits beyond the length are set.
  static absl::StatusOr<AddressPrefix> Parse(absl::string_view text);

  bool Contains(const Endpoint& endpoint) const;
  std::string ToString() const;

 private:
  std::array<uint8_t, 16> address_{};  // 4 octets in use for IPv4.
  bool is_v6_ = false;
  int length_bits_ = 0;
};

// The addresses that are nobody's public ones: loopback, RFC 1918, shared (RFC 6598), link-local,
// unique local. The default, so that listening on a public address makes no open resolver.
std::vector<AddressPrefix> PrivatePrefixes();

// Answers whether a client may ask: in one of the ranges, or no. Immutable, hence safe from any
// thread. At most 256 ranges, looked through in order.
class AccessPolicy {
 public:
  static constexpr size_t kMaxPrefixes = 256;

  explicit AccessPolicy(std::vector<AddressPrefix> allow) : allow_(std::move(allow)) {}
  bool Allows(const Endpoint& client) const;

 private:
  const std::vector<AddressPrefix> allow_;
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_ACCESS_POLICY_H_
