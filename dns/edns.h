// SPDX-License-Identifier: Apache-2.0
// EDNS(0) options that are read and written: RFC 6891, 5001 (NSID), 7828 (keepalive), 7830 and 8467
// (padding), 7873 (cookies), 8914 (extended errors), 7871 (client subnet).
#ifndef DOTCACHE_DNS_EDNS_H_
#define DOTCACHE_DNS_EDNS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "core/bytes.h"
#include "dns/cookie.h"
#include "dns/dns_types.h"

namespace dotcache {

inline constexpr uint16_t kOurUdpPayloadSize = 1232;  // RFC 9715 section 3.
inline constexpr uint16_t kMinUdpPayloadSize = 512;   // RFC 6891 section 6.2.3.
inline constexpr size_t kOptFixedSize = 11;           // Root owner, type, class, TTL, RDLENGTH.
inline constexpr uint16_t kEdnsFlagDo = 0x8000;
inline constexpr size_t kQueryPaddingBlock = 128;     // RFC 8467 section 4.1.
inline constexpr size_t kResponsePaddingBlock = 468;  // RFC 8467 section 4.2.

// The contents of a message's OPT record. Default: no OPT present. A value type.
struct EdnsInfo {
  bool present = false;
  uint8_t version = 0;
  uint8_t extended_rcode = 0;                      // The upper eight bits of the RCODE.
  uint16_t udp_payload_size = kMinUdpPayloadSize;  // Never below 512.
  bool dnssec_ok = false;
  bool has_padding = false;
  bool has_keepalive = false;
  bool has_nsid = false;
  std::optional<uint16_t> keepalive_timeout_100ms;  // Present when the option carries a value.
  std::optional<ExtendedErrorCode> extended_error;  // The first one.
  uint16_t extra_text_at = 0;                       // Its text: an offset in the RDATA.
  uint16_t extra_text_size = 0;
  CookieOption cookie;  // The first one (RFC 7873 section 5.2).
};

// The sender of the options. An invalid option of a client makes its query malformed: a cookie of a
// wrong length, or a subnet with bits beyond its prefix. In a response, such an option is ignored.
enum class EdnsSender : uint8_t { kClient, kUpstream };

// Reads the fixed fields of an OPT record (`klass`, `ttl`) and its RDATA. All bounds are checked.
// Unknown options are ignored. nullopt when an option exceeds the RDATA, or when a client's option
// violates its RFC.
std::optional<EdnsInfo> ParseOpt(uint16_t klass, uint32_t ttl, Bytes rdata, EdnsSender sender);

// An extended error to send. The text is shortened to the available room. The text of an upstream
// server has passed CleanExtraText().
struct ExtendedError {
  ExtendedErrorCode code = ExtendedErrorCode::kOther;
  std::string text;

  bool operator==(const ExtendedError&) const = default;
};

}  // namespace dotcache

#endif  // DOTCACHE_DNS_EDNS_H_
