// SPDX-License-Identifier: Apache-2.0
// A domain name in uncompressed wire form, stored inline.
#ifndef DOTCACHE_DNS_DOMAIN_NAME_H_
#define DOTCACHE_DNS_DOMAIN_NAME_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/bytes.h"

namespace dotcache {

inline constexpr size_t kMaxNameSize = 255;  // RFC 1035 section 2.3.4, including the root's octet.

// A domain name as length-prefixed labels, including the root's zero octet (RFC 1035 section 3.1).
// It is never compressed and has 1 to 255 octets. A label may contain any octet value (RFC 2181
// section 11). The case of letters is kept. A value type; a copy copies only the octets in use.
class DomainName {
 public:
  // The root name.
  DomainName() : size_(1) { octets_[0] = 0; }
  DomainName(const DomainName& other) { *this = other; }
  DomainName& operator=(const DomainName& other) {
    size_ = other.size_;
    std::memcpy(octets_.data(), other.octets_.data(), size_);
    return *this;
  }

  // Takes the octets of one uncompressed name. REQUIRES: `wire` is exactly one valid name.
  static DomainName FromValidatedWire(Bytes wire) {
    DomainName name;
    name.size_ = static_cast<uint8_t>(std::min(wire.size(), kMaxNameSize));
    std::memcpy(name.octets_.data(), wire.data(), name.size_);
    return name;
  }

  // Parses presentation format: "www.example.com", with optional trailing dot; "." is the root. It
  // accepts the escapes \. and \DDD (RFC 1035 section 5.1). kInvalidArgument names the fault.
  static absl::StatusOr<DomainName> FromText(absl::string_view text);

  Bytes wire() const { return Bytes(octets_.data(), size_); }
  size_t size() const { return size_; }

  // The same name with A-Z replaced by a-z (RFC 4343 section 3).
  DomainName Canonical() const;

  // Counts labels without the root: 0 for the root, 3 for "www.example.com".
  int LabelCount() const;

  // The name without its first `count` labels. REQUIRES: count <= LabelCount().
  DomainName WithoutLabels(int count) const;

  // True when `ancestor` is this name or a name above it, ASCII case ignored.
  bool IsAtOrBelow(const DomainName& ancestor) const;

  // Presentation format with a trailing dot. Octets outside printable ASCII become \DDD, so the
  // text is safe for logs and terminals.
  std::string ToString() const;

  // Compares octets, so case matters. Compare Canonical() names for DNS equality.
  friend bool operator==(const DomainName& a, const DomainName& b) {
    return a.size_ == b.size_ && std::memcmp(a.octets_.data(), b.octets_.data(), a.size_) == 0;
  }

  template <typename H>
  friend H AbslHashValue(H state, const DomainName& name) {
    return H::combine(
        H::combine_contiguous(std::move(state), name.octets_.data(), size_t{name.size_}),
        name.size_);
  }

 private:
  uint8_t size_;  // Octets in use, 1 to 255.
  std::array<uint8_t, kMaxNameSize> octets_;
};

}  // namespace dotcache

#endif  // DOTCACHE_DNS_DOMAIN_NAME_H_
