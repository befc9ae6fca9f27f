// SPDX-License-Identifier: Apache-2.0
#include "net/client_key.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/bytes.h"

namespace dotcache {
namespace {

constexpr size_t kV6NetworkOctets = 8;  // The network part of a /64.
constexpr std::array<uint8_t, 12> kV4Mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// Reads octets in network byte order.
uint64_t NumberOf(Bytes octets) {
  uint64_t number = 0;
  for (const uint8_t octet : octets) number = number << 8 | octet;
  return number;
}

bool IsLinkLocal(Bytes v6) { return v6[0] == 0xfe && (v6[1] & 0xc0) == 0x80; }  // fe80::/10

}  // namespace

ClientKey::ClientKey(const Endpoint& client) {
  Bytes octets = client.octets();
  if (client.is_v6() && std::equal(kV4Mapped.begin(), kV4Mapped.end(), octets.begin())) {
    octets.remove_prefix(kV4Mapped.size());
  } else if (client.is_v6()) {
    is_v6_ = true;
    network_ = NumberOf(octets.first(kV6NetworkOctets));
    if (!IsLinkLocal(octets)) return;
    interface_ = NumberOf(octets.subspan(kV6NetworkOctets));
    zone_ = client.zone();
    return;
  }
  network_ = LoadU32(octets.data());
}

uint64_t ClientKey::Hash(const HashSeed& seed) const {
  std::array<uint8_t, 21> octets;
  octets[0] = is_v6_ ? 6 : 4;
  std::memcpy(&octets[1], &network_, sizeof network_);
  std::memcpy(&octets[9], &interface_, sizeof interface_);
  std::memcpy(&octets[17], &zone_, sizeof zone_);
  return SipHash13(seed, octets);
}

std::string ClientNetwork(const Endpoint& client) {
  const Bytes octets = client.octets();
  if (!client.is_v6()) return absl::StrCat(client.AddressToString(), "/32");
  if (std::equal(kV4Mapped.begin(), kV4Mapped.end(), octets.begin())) {
    return absl::StrCat(absl::StrJoin(octets.subspan(kV4Mapped.size()), "."), "/32");
  }
  if (IsLinkLocal(octets)) return absl::StrCat(client.AddressToString(), "/128");
  sockaddr_in6 network = {};
  network.sin6_family = AF_INET6;
  std::memcpy(network.sin6_addr.s6_addr, octets.data(), kV6NetworkOctets);
  const auto* address = reinterpret_cast<const sockaddr*>(&network);
  return absl::StrCat(Endpoint::FromSockaddr(address).AddressToString(), "/64");
}

}  // namespace dotcache
