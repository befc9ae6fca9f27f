// SPDX-License-Identifier: Apache-2.0
#include "server/handshake_rate.h"

#include "net/client_key.h"

namespace dotcache {
namespace {

constexpr size_t kClients = 4096;  // 32 KiB.

}  // namespace

HandshakeRate::HandshakeRate(int per_second)
    : rate_{per_second, 2 * per_second}, buckets_(kClients) {}

bool HandshakeRate::Allows(const Endpoint& client, MonoTime now) {
  if (rate_.per_second == 0) return true;
  return buckets_.Take(ClientKey(client).Hash(seed_), rate_, now);
}

}  // namespace dotcache
