#include "server/client_shares.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "core/bytes.h"

namespace dotcache {
namespace {

constexpr size_t kV6Octets = 8;  // Of a /64.
constexpr std::array<uint8_t, 12> kV4Mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

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
  bool is_v6 = endpoint.is_v6();
  if (is_v6 && std::equal(kV4Mapped.begin(), kV4Mapped.end(), octets.begin())) {
    octets.remove_prefix(kV4Mapped.size());
    is_v6 = false;
  }
  if (is_v6) octets = octets.first(kV6Octets);
  uint64_t number = 0;
  for (const uint8_t octet : octets) number = number << 8 | octet;
  return {is_v6, number};
}

}  // namespace dotcache
