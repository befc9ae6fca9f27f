// SPDX-License-Identifier: Apache-2.0
// Sizes of the parts of a DNS message that more than one file reads or writes.
#ifndef DOTCACHE_DNS_WIRE_SIZES_H_
#define DOTCACHE_DNS_WIRE_SIZES_H_

#include <cstddef>
#include <cstdint>

namespace dotcache {

inline constexpr size_t kMaxLabelSize = 63;      // RFC 1035 section 2.3.4.
inline constexpr uint8_t kPointerBits = 0xc0;    // In the first octet of a compression pointer.
inline constexpr size_t kQuestionFixedSize = 4;  // QTYPE, QCLASS.
inline constexpr size_t kRecordFixedSize = 10;   // TYPE, CLASS, TTL, RDLENGTH.
inline constexpr size_t kOptionHeaderSize = 4;   // OPTION-CODE, OPTION-LENGTH.

}  // namespace dotcache

#endif  // DOTCACHE_DNS_WIRE_SIZES_H_
