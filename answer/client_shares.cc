// SPDX-License-Identifier: Apache-2.0
#include "answer/client_shares.h"

#include <algorithm>
#include <array>
#include <cassert>

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

ClientShares::Outcome ClientShares::Take(const Endpoint& client) {
  if (all_ >= max_all_) return Outcome::kAllFull;
  const auto [found, is_new] = waiting_.try_emplace(ClientOf(client), 0);
  if (found->second >= max_per_client_) {
    if (is_new) waiting_.erase(found);
    return Outcome::kClientFull;
  }
  ++found->second;
  ++all_;
  return Outcome::kTaken;
}

void ClientShares::Return(const Endpoint& client) {
  const auto found = waiting_.find(ClientOf(client));
  assert(found != waiting_.end());
  if (--found->second == 0) waiting_.erase(found);
  --all_;
}

ClientShares::Client ClientShares::ClientOf(const Endpoint& endpoint) {
  Bytes octets = endpoint.octets();
  if (endpoint.is_v6() && std::equal(kV4Mapped.begin(), kV4Mapped.end(), octets.begin())) {
    octets.remove_prefix(kV4Mapped.size());
  } else if (endpoint.is_v6()) {
    const uint64_t network = NumberOf(octets.first(kV6NetworkOctets));
    if (!IsLinkLocal(octets)) return {true, network, 0, 0};
    return {true, network, NumberOf(octets.subspan(kV6NetworkOctets)), endpoint.zone()};
  }
  return {false, NumberOf(octets), 0, 0};
}

}  // namespace dotcache
