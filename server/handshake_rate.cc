// SPDX-License-Identifier: Apache-2.0
#include "server/handshake_rate.h"

#include <algorithm>

#include "net/client_key.h"

namespace dotcache {
namespace {

constexpr size_t kClients = 4096;   // 32 KiB.
constexpr size_t kNetworks = 1024;  // 8 KiB.
// A site gets so many times what a client gets.
constexpr int kNetworkFactor = 20;
constexpr size_t kSiteOctets = 6;        // An IPv6 /48 (RFC 6177).
constexpr int kMostPerSecond = 100'000;  // EventRate.

EventRate RateOf(int per_second) {
  const int rate = std::min(per_second, kMostPerSecond);
  return {rate, 2 * rate};
}

}  // namespace

HandshakeRate::HandshakeRate(int per_second)
    : per_second_(per_second), buckets_(kClients), networks_(kNetworks) {}

bool HandshakeRate::Allows(const Endpoint& client, MonoTime now) {
  const int per_second = per_second_.load(std::memory_order_relaxed);
  if (per_second == 0) return true;
  if (!buckets_.Take(ClientKey(client).Hash(seed_), RateOf(per_second), now)) return false;
  if (!client.is_v6()) return true;
  return networks_.Take(SipHash13(seed_, client.octets().first(kSiteOctets)),
                        RateOf(kNetworkFactor * per_second), now);
}

}  // namespace dotcache
