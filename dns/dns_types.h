// SPDX-License-Identifier: Apache-2.0
// Strong types and names for the numbers in DNS messages, as in the IANA registries.
#ifndef DOTCACHE_DNS_DNS_TYPES_H_
#define DOTCACHE_DNS_DNS_TYPES_H_

#include <cstddef>
#include <cstdint>
#include <iterator>

#include "absl/strings/string_view.h"
#include "core/names.h"

namespace dotcache {

// RR and query types that the code treats specially. Any other number is also valid and is passed
// through as opaque data (RFC 3597).
enum class QType : uint16_t {
  kNone = 0,
  kA = 1,
  kNs = 2,
  kCname = 5,
  kSoa = 6,
  kNull = 10,
  kPtr = 12,
  kHinfo = 13,
  kMx = 15,
  kTxt = 16,
  kSig = 24,
  kAaaa = 28,
  kSrv = 33,
  kDname = 39,
  kOpt = 41,
  kDs = 43,
  kRrsig = 46,
  kNsec = 47,
  kDnskey = 48,
  kNsec3 = 50,
  kSvcb = 64,
  kHttps = 65,
  kTkey = 249,
  kTsig = 250,
  kIxfr = 251,
  kAxfr = 252,
  kMailb = 253,
  kMaila = 254,
  kAny = 255,
};

enum class QClass : uint16_t { kIn = 1, kChaos = 3, kHesiod = 4, kNone = 254, kAny = 255 };

enum class Opcode : uint8_t { kQuery = 0, kIquery = 1, kStatus = 2, kNotify = 4, kUpdate = 5 };

// Twelve bits: four from the header and eight from OPT (RFC 6891 section 6.1.3).
enum class Rcode : uint16_t {
  kNoError = 0,
  kFormErr = 1,
  kServFail = 2,
  kNxDomain = 3,
  kNotImp = 4,
  kRefused = 5,
  kYxDomain = 6,
  kNotAuth = 9,
  kBadVers = 16,
  kBadCookie = 23,
};

// Extended DNS errors, INFO-CODE (RFC 8914 section 4).
enum class ExtendedErrorCode : uint16_t {
  kOther = 0,
  kStaleAnswer = 3,
  kCachedError = 13,
  kNotReady = 14,
  kProhibited = 18,
  kStaleNxDomainAnswer = 19,
  kNotSupported = 21,
  kNoReachableAuthority = 22,
  kNetworkError = 23,
  kInvalidData = 24,
};

// EDNS option codes.
enum class EdnsOption : uint16_t {
  kNsid = 3,
  kClientSubnet = 8,
  kCookie = 10,
  kTcpKeepalive = 11,
  kPadding = 12,
  kExtendedError = 15,
};

// The transport of a client's query. A reply's size, padding and keepalive depend on it.
enum class Transport : uint8_t { kUdp = 0, kTcp = 1, kDot = 2 };
inline constexpr int kTransportCount = 3;

// The mnemonics of the RCODEs.
inline constexpr Named<Rcode> kRcodeNames[] = {
    {Rcode::kNoError, "NOERROR"},    {Rcode::kFormErr, "FORMERR"}, {Rcode::kServFail, "SERVFAIL"},
    {Rcode::kNxDomain, "NXDOMAIN"},  {Rcode::kNotImp, "NOTIMP"},   {Rcode::kRefused, "REFUSED"},
    {Rcode::kYxDomain, "YXDOMAIN"},  {Rcode::kNotAuth, "NOTAUTH"}, {Rcode::kBadVers, "BADVERS"},
    {Rcode::kBadCookie, "BADCOOKIE"}};

// Counters of RCODEs have one slot for each row of kRcodeNames, and a last one for other values.
inline constexpr size_t kRcodeSlotCount = std::size(kRcodeNames) + 1;
constexpr size_t RcodeSlot(Rcode rcode) { return RowOf(kRcodeNames, rcode); }
constexpr absl::string_view RcodeSlotName(size_t slot) {
  return slot < std::size(kRcodeNames) ? kRcodeNames[slot].name : "OTHER";
}

// Query types with a counter of their own, the most frequent first. The last slot counts all
// others.
inline constexpr Named<QType> kCountedTypes[] = {
    {QType::kA, "A"},     {QType::kAaaa, "AAAA"}, {QType::kHttps, "HTTPS"}, {QType::kPtr, "PTR"},
    {QType::kSrv, "SRV"}, {QType::kTxt, "TXT"},   {QType::kMx, "MX"},       {QType::kNs, "NS"},
    {QType::kSoa, "SOA"}, {QType::kDs, "DS"}};
inline constexpr size_t kTypeSlotCount = std::size(kCountedTypes) + 1;
constexpr size_t TypeSlot(QType type) { return RowOf(kCountedTypes, type); }
constexpr absl::string_view TypeSlotName(size_t slot) {
  return slot < std::size(kCountedTypes) ? kCountedTypes[slot].name : "other";
}

// The mnemonic of the RCODE ("NOERROR", "SERVFAIL", ...), or "OTHER".
constexpr absl::string_view RcodeName(Rcode rcode) { return NameOf(kRcodeNames, rcode, "OTHER"); }

inline constexpr Named<Transport> kTransportNames[] = {
    {Transport::kUdp, "udp"}, {Transport::kTcp, "tcp"}, {Transport::kDot, "dot"}};

constexpr absl::string_view TransportName(Transport transport) {
  return NameOf(kTransportNames, transport, "unknown");
}

}  // namespace dotcache

#endif  // DOTCACHE_DNS_DNS_TYPES_H_
