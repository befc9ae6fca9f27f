// SPDX-License-Identifier: Apache-2.0
// Ranges of IP addresses.
#ifndef DOTCACHE_NET_ADDRESS_PREFIX_H_
#define DOTCACHE_NET_ADDRESS_PREFIX_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/bytes.h"
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

  // True if every address of this range is in `other`.
  bool IsWithin(const AddressPrefix& other) const;
  std::string ToString() const;

  bool is_v6() const { return is_v6_; }
  int length_bits() const { return length_bits_; }
  // The first and the last address, in network byte order: 4 or 16 octets.
  Bytes First() const { return Bytes(address_.data(), width()); }
  std::array<uint8_t, 16> Last() const;  // IPv4 uses the first 4 octets.

  friend bool operator==(const AddressPrefix& a, const AddressPrefix& b) {
    return a.is_v6_ == b.is_v6_ && a.length_bits_ == b.length_bits_ && a.address_ == b.address_;
  }

 private:
  size_t width() const { return is_v6_ ? 16 : 4; }

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

}  // namespace dotcache

#endif  // DOTCACHE_NET_ADDRESS_PREFIX_H_
