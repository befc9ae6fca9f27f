// SPDX-License-Identifier: Apache-2.0
// What counts as one client.
#ifndef DOTCACHE_NET_CLIENT_KEY_H_
#define DOTCACHE_NET_CLIENT_KEY_H_

#include <cstdint>
#include <string>
#include <utility>

#include "core/siphash.h"
#include "net/endpoint.h"

namespace dotcache {

// The key of a client in tables with limits per client. Addresses that count as one client have
// equal keys:
// - an IPv4 address, also when written as an IPv4-mapped IPv6 address;
// - an IPv6 /64, because one host may use every address of its /64;
// - a link-local IPv6 address together with its interface, because all link-local addresses share
//   one /64.
class ClientKey {
 public:
  explicit ClientKey(const Endpoint& client);

  // A hash that clients cannot predict without the seed.
  uint64_t Hash(const HashSeed& seed) const;

  friend bool operator==(const ClientKey& a, const ClientKey& b) {
    return a.is_v6_ == b.is_v6_ && a.network_ == b.network_ && a.interface_ == b.interface_ &&
           a.zone_ == b.zone_;
  }
  template <typename H>
  friend H AbslHashValue(H state, const ClientKey& key) {
    return H::combine(std::move(state), key.is_v6_, key.network_, key.interface_, key.zone_);
  }

 private:
  bool is_v6_ = false;
  uint64_t network_ = 0;    // For IPv4, the whole address.
  uint64_t interface_ = 0;  // For link-local addresses, the last 64 bits. Otherwise 0.
  uint32_t zone_ = 0;       // For link-local addresses, the interface. Otherwise 0.
};

// The addresses that count as this client, as text: "192.0.2.1/32" or "2001:db8:0:1::/64".
std::string ClientNetwork(const Endpoint& client);

}  // namespace dotcache

#endif  // DOTCACHE_NET_CLIENT_KEY_H_
