// SPDX-License-Identifier: Apache-2.0
#include "dns/edns.h"

#include <algorithm>

#include "dns/wire_sizes.h"

namespace dotcache {
namespace {

// An 8-octet client cookie, with or without a server cookie of 8 to 32 (RFC 7873 section 4).
bool IsCookieSize(size_t size) { return size == 8 || (size >= 16 && size <= 40); }

// Checks FAMILY, SOURCE PREFIX-LENGTH, SCOPE PREFIX-LENGTH and ADDRESS. ADDRESS has exactly the
// octets that the prefix needs, with no bit set beyond it (RFC 7871 section 6).
bool IsClientSubnetOfQuery(Bytes data) {
  if (data.size() < 4) return false;
  const uint16_t family = LoadU16(data.data());
  const size_t prefix_bits = data[2];
  const uint8_t scope_bits = data[3];
  constexpr size_t kAddressBits[] = {0, 32, 128};  // By family; 0 is a client's "no address".
  if (family >= std::size(kAddressBits) || prefix_bits > kAddressBits[family]) return false;
  const Bytes address = data.subspan(4);
  if (scope_bits != 0 || address.size() != (prefix_bits + 7) / 8) return false;
  const size_t last_bits = prefix_bits % 8;
  return last_bits == 0 || (address.back() & (0xff >> last_bits)) == 0;
}

// Stores the first COOKIE option. Later ones are ignored.
bool StoreCookie(Bytes data, CookieOption& cookie) {
  if (cookie.size > 0) return true;
  if (!IsCookieSize(data.size())) return false;
  cookie.size = static_cast<uint8_t>(data.size());
  std::copy_n(data.begin(), std::min(data.size(), cookie.octets.size()), cookie.octets.begin());
  return true;
}

// Stores one option. False when a client must not send it in this form.
bool StoreOption(EdnsOption code, Bytes data, EdnsInfo& edns) {
  switch (code) {
    case EdnsOption::kCookie:
      return StoreCookie(data, edns.cookie);
    case EdnsOption::kClientSubnet:
      return IsClientSubnetOfQuery(data);
    case EdnsOption::kTcpKeepalive:
      // A client must not send a timeout, but early clients did (RFC 7828 section 3.1). An option
      // of another length is ignored, because no RFC calls such a query malformed.
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
        edns.extra_text_size = static_cast<uint16_t>(data.size() - 2);
      }
      return true;
    case EdnsOption::kNsid:
      edns.has_nsid = true;
      return true;
  }
  return true;  // Unknown options are ignored (RFC 6891 section 6.1.2).
}

}  // namespace

std::optional<EdnsInfo> ParseOpt(uint16_t klass, uint32_t ttl, Bytes rdata, EdnsSender sender) {
  EdnsInfo edns;
  edns.present = true;
  edns.udp_payload_size = std::max(klass, kMinUdpPayloadSize);
  edns.extended_rcode = static_cast<uint8_t>(ttl >> 24);
  edns.version = static_cast<uint8_t>(ttl >> 16);
  edns.dnssec_ok = (ttl & kEdnsFlagDo) != 0;
  const uint8_t* begin = rdata.data();
  while (!rdata.empty()) {
    if (rdata.size() < kOptionHeaderSize) return std::nullopt;
    const auto code = static_cast<EdnsOption>(LoadU16(rdata.data()));
    const size_t size = LoadU16(rdata.data() + 2);
    rdata.remove_prefix(kOptionHeaderSize);
    if (size > rdata.size()) return std::nullopt;
    const bool has_error = edns.extended_error.has_value();
    const bool valid = StoreOption(code, rdata.first(size), edns);
    if (edns.extended_error.has_value() && !has_error) {
      edns.extra_text_at = static_cast<uint16_t>(rdata.data() + 2 - begin);
    }
    if (!valid && sender == EdnsSender::kClient) return std::nullopt;
    rdata.remove_prefix(size);
  }
  return edns;
}

}  // namespace dotcache
