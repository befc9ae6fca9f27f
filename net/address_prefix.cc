// SPDX-License-Identifier: Apache-2.0
#include "net/address_prefix.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/status_macros.h"

namespace dotcache {
namespace {

// True when the first `length_bits` of both are equal.
bool SamePrefix(const uint8_t* a, const uint8_t* b, int length_bits) {
  const size_t whole = static_cast<size_t>(length_bits) / 8;
  if (std::memcmp(a, b, whole) != 0) return false;
  const int rest = length_bits % 8;
  return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

}  // namespace

absl::StatusOr<AddressPrefix> AddressPrefix::Parse(absl::string_view text) {
  const size_t slash = text.find('/');
  const absl::string_view address = text.substr(0, slash);
  ASSIGN_OR_RETURN(const Endpoint endpoint, Endpoint::ParseAddress(address, 0));
  AddressPrefix prefix;
  prefix.is_v6_ = endpoint.is_v6();
  const int width = prefix.is_v6_ ? 128 : 32;
  prefix.length_bits_ = width;
  if (slash != absl::string_view::npos &&
      (!absl::SimpleAtoi(text.substr(slash + 1), &prefix.length_bits_) || prefix.length_bits_ < 0 ||
       prefix.length_bits_ > width)) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\": the length after / must be 0 to ", width));
  }
  const Bytes octets = endpoint.octets();
  std::copy(octets.begin(), octets.end(), prefix.address_.begin());
  for (int bit = prefix.length_bits_; bit < width; ++bit) {
    if ((octets[static_cast<size_t>(bit / 8)] >> (7 - bit % 8)) & 1) {
      return absl::InvalidArgumentError(absl::StrCat(
          "\"", text, "\": the address has bits set beyond the first ", prefix.length_bits_));
    }
  }
  return prefix;
}

bool AddressPrefix::IsWithin(const AddressPrefix& other) const {
  return is_v6_ == other.is_v6_ && length_bits_ >= other.length_bits_ &&
         SamePrefix(address_.data(), other.address_.data(), other.length_bits_);
}

std::array<uint8_t, 16> AddressPrefix::Last() const {
  std::array<uint8_t, 16> last = address_;
  for (size_t bit = static_cast<size_t>(length_bits_); bit < 8 * width(); ++bit) {
    last[bit / 8] = static_cast<uint8_t>(last[bit / 8] | 0x80 >> bit % 8);
  }
  return last;
}

std::string AddressPrefix::ToString() const {
  sockaddr_in6 storage = {};
  if (is_v6_) {
    storage.sin6_family = AF_INET6;
    std::memcpy(storage.sin6_addr.s6_addr, address_.data(), 16);
  } else {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
    v4->sin_family = AF_INET;
    std::memcpy(&v4->sin_addr, address_.data(), 4);
  }
  const Endpoint endpoint = Endpoint::FromSockaddr(reinterpret_cast<const sockaddr*>(&storage));
  return absl::StrCat(endpoint.AddressToString(), "/", length_bits_);
}

std::vector<AddressPrefix> PrivatePrefixes() {
  std::vector<AddressPrefix> prefixes;
  for (absl::string_view text :
       {"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
        "169.254.0.0/16", "::1/128", "fc00::/7", "fe80::/10"}) {
    prefixes.push_back(*AddressPrefix::Parse(text));
  }
  return prefixes;
}

bool HasPublicAddress(const std::vector<AddressPrefix>& prefixes) {
  const std::vector<AddressPrefix> not_public = PrivatePrefixes();
  return std::any_of(prefixes.begin(), prefixes.end(), [&](const AddressPrefix& prefix) {
    return std::none_of(not_public.begin(), not_public.end(),
                        [&](const AddressPrefix& range) { return prefix.IsWithin(range); });
  });
}

}  // namespace dotcache
