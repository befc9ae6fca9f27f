// SPDX-License-Identifier: Apache-2.0
// Views of octets, owned wire messages, and big-endian loads and stores.
#ifndef DOTCACHE_CORE_BYTES_H_
#define DOTCACHE_CORE_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace dotcache {

// A read-only view of octets. Valid only while the viewed octets are.
using Bytes = absl::Span<const uint8_t>;

// A writable view of octets.
using MutableBytes = absl::Span<uint8_t>;

// One DNS message in wire format, owned (RFC 1035 section 4.1).
using WireMessage = std::vector<uint8_t>;

inline constexpr size_t kHeaderSize = 12;         // RFC 1035 section 4.1.1.
inline constexpr size_t kMaxMessageSize = 65535;  // RFC 1035 section 4.2.2.

// Big-endian access. REQUIRES: `p` points to 2 or 4 valid octets.
inline uint16_t LoadU16(const uint8_t* p) {
  return static_cast<uint16_t>((static_cast<uint16_t>(p[0]) << 8) | p[1]);
}

inline uint32_t LoadU32(const uint8_t* p) {
  return (static_cast<uint32_t>(LoadU16(p)) << 16) | LoadU16(p + 2);
}

inline void StoreU16(uint8_t* p, uint16_t value) {
  p[0] = static_cast<uint8_t>(value >> 8);
  p[1] = static_cast<uint8_t>(value);
}

inline void StoreU32(uint8_t* p, uint32_t value) {
  StoreU16(p, static_cast<uint16_t>(value >> 16));
  StoreU16(p + 2, static_cast<uint16_t>(value));
}

}  // namespace dotcache

#endif  // DOTCACHE_CORE_BYTES_H_
