// SPDX-License-Identifier: Apache-2.0
// The header of 12 octets of a DNS message (RFC 1035 section 4.1.1; AD and CD: RFC 4035).
#ifndef DOTCACHE_DNS_MESSAGE_HEADER_H_
#define DOTCACHE_DNS_MESSAGE_HEADER_H_

#include <cstdint>

#include "core/bytes.h"
#include "dns/dns_types.h"

namespace dotcache {

inline constexpr uint16_t kFlagQr = 0x8000;
inline constexpr uint16_t kOpcodeMask = 0x7800;
inline constexpr uint16_t kFlagAa = 0x0400;
inline constexpr uint16_t kFlagTc = 0x0200;
inline constexpr uint16_t kFlagRd = 0x0100;
inline constexpr uint16_t kFlagRa = 0x0080;
inline constexpr uint16_t kFlagZ = 0x0040;
inline constexpr uint16_t kFlagAd = 0x0020;
inline constexpr uint16_t kFlagCd = 0x0010;
inline constexpr uint16_t kRcodeMask = 0x000f;

struct MessageHeader {
  uint16_t id = 0;
  uint16_t flags = 0;  // The second 16-bit word: flags, opcode and RCODE.
  uint16_t qdcount = 0;
  uint16_t ancount = 0;
  uint16_t nscount = 0;
  uint16_t arcount = 0;

  bool Has(uint16_t flag) const { return (flags & flag) != 0; }
  Opcode opcode() const { return static_cast<Opcode>((flags & kOpcodeMask) >> 11); }
  Rcode header_rcode() const { return static_cast<Rcode>(flags & kRcodeMask); }
};

// REQUIRES: message.size() >= kHeaderSize.
inline MessageHeader LoadHeader(Bytes message) {
  const uint8_t* p = message.data();
  return {LoadU16(p),     LoadU16(p + 2), LoadU16(p + 4),
          LoadU16(p + 6), LoadU16(p + 8), LoadU16(p + 10)};
}

// REQUIRES: out.size() >= kHeaderSize.
inline void StoreHeader(MutableBytes out, const MessageHeader& header) {
  uint8_t* p = out.data();
  StoreU16(p, header.id);
  StoreU16(p + 2, header.flags);
  StoreU16(p + 4, header.qdcount);
  StoreU16(p + 6, header.ancount);
  StoreU16(p + 8, header.nscount);
  StoreU16(p + 10, header.arcount);
}

}  // namespace dotcache

#endif  // DOTCACHE_DNS_MESSAGE_HEADER_H_
