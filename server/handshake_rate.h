// SPDX-License-Identifier: Apache-2.0
// Limits the TLS handshakes of each client.
#ifndef DOTCACHE_SERVER_HANDSHAKE_RATE_H_
#define DOTCACHE_SERVER_HANDSHAKE_RATE_H_

#include <atomic>

#include "core/clock.h"
#include "core/rate_table.h"
#include "core/siphash.h"
#include "net/endpoint.h"

namespace dotcache {

// A token bucket of TLS handshakes for each client (ClientKey), because a handshake is the most
// expensive thing that a client can request. It has twice `per_second` tokens. A connection takes
// one when it is accepted. An IPv6 /48, which may be one site with 65,536 clients, gets 20 times as
// many. All workers share it; any thread may call it. Its memory is fixed.
class HandshakeRate {
 public:
  // `per_second` 0: no limit.
  explicit HandshakeRate(int per_second);

  // Uses another rate from now on.
  void Use(int per_second) { per_second_ = per_second; }

  // Returns false if the client has to wait.
  bool Allows(const Endpoint& client, MonoTime now);

 private:
  const HashSeed seed_ = HashSeed::Random();
  std::atomic<int> per_second_;
  RateTable buckets_;
  RateTable networks_;
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_HANDSHAKE_RATE_H_
