// SPDX-License-Identifier: Apache-2.0
#include "dns/edns.h"

#include <algorithm>

namespace dotcache {
namespace {

constexpr size_t kOptionHeaderSize = 4;  // OPTION-CODE and OPTION-LENGTH.

// An 8-octet client cookie, with or without a server cookie of 8 to 32 (RFC 7873 section 4).
bool IsCookieSize(size_t size) { return size == 8 || (size >= 16 && size <= 40); }

// FAMILY, SOURCE PREFIX-LENGTH, SCOPE PREFIX-LENGTH and exactly the octets of ADDRESS that the
// prefix needs, with no bit set behind it (RFC 7871 section 6).
bool IsClientSubnetOfQuery(Bytes data) {
  if (data.size() < 4) return false;
  const uint16_t family = LoadU16(data.data());
  const size_t prefix_bits = data[2];
  const uint8_t scope_bits = data[3];
  constexpr size_t kAddressBits[] = {0, 32, 128};  // By family; 0 is the "no address" of a client.
  if (family >= std::size(kAddressBits) || prefix_bits > kAddressBits[family]) return false;
  const Bytes address = data.subspan(4);
  if (scope_bits != 0 || address.size() != (prefix_bits + 7) / 8) return false;
  const size_t last_bits = prefix_bits % 8;
  return last_bits == 0 || (address.back() & (0xff >> last_bits)) == 0;
}

// Notes the first COOKIE option; a later one does not count.
bool NoteCookie(Bytes data, CookieOption& cookie) {
  if (cookie.size > 0) return true;
  if (!IsCookieSize(data.size())) return false;
  cookie.size = static_cast<uint8_t>(data.size());
  std::copy_n(data.begin(), std::min(data.size(), cookie.octets.size()), cookie.octets.begin());
  return true;
}

// Notes one option. False when no client may send it like this.
bool NoteOption(EdnsOption code, Bytes data, EdnsInfo& edns) {
  switch (code) {
    case EdnsOption::kCookie:
      return NoteCookie(data, edns.cookie);
    case EdnsOption::kClientSubnet:
      return IsClientSubnetOfQuery(data);
    case EdnsOption::kTcpKeepalive:
      // A client leaves the value out; early ones sent it (RFC 7828 section 3.1). Another length is
      // no request, and no RFC says that it breaks the query.
      if (!data.empty() && data.size() != 2) return true;
      edns.has_keepalive = true;
      if (data.size() == 2) edns.keepalive_timeout_100ms = LoadU16(data.data());
      return true;
    case EdnsOption::kPadding:
      edns.has_padding = true;
      return true;
    case EdnsOption::kExtendedError:
      if (data.size() >= 2 && !edns.extended_error.has_value()) {
        edns.extended_error = static_cast<ExtendedErrorCode>(LoadU16(data.data()));
      }
      return true;
    case EdnsOption::kNsid:
      edns.has_nsid = true;
      return true;
  }
  return true;  // Unknown ones are ignored (RFC 6891 section 6.1.2).
}

}  // namespace

std::optional<EdnsInfo> ParseOpt(uint16_t klass, uint32_t ttl, Bytes rdata, EdnsSender sender) {
  EdnsInfo edns;
  edns.present = true;
  edns.udp_payload_size = std::max(klass, kMinUdpPayloadSize);
  edns.extended_rcode = static_cast<uint8_t>(ttl >> 24);
  edns.version = static_cast<uint8_t>(ttl >> 16);
  edns.dnssec_ok = (ttl & kEdnsFlagDo) != 0;
  while (!rdata.empty()) {
    if (rdata.size() < kOptionHeaderSize) return std::nullopt;
    const auto code = static_cast<EdnsOption>(LoadU16(rdata.data()));
    const size_t size = LoadU16(rdata.data() + 2);
    rdata.remove_prefix(kOptionHeaderSize);
    if (size > rdata.size()) return std::nullopt;
    const bool valid = NoteOption(code, rdata.first(size), edns);
    if (!valid && sender == EdnsSender::kClient) return std::nullopt;
    rdata.remove_prefix(size);
  }
  return edns;
}

}  // namespace dotcache
