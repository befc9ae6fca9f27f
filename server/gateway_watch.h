// SPDX-License-Identifier: Apache-2.0
// Warns of a proxy that hides the addresses of clients.
#ifndef DOTCACHE_SERVER_GATEWAY_WATCH_H_
#define DOTCACHE_SERVER_GATEWAY_WATCH_H_

#include <atomic>
#include <string>
#include <vector>

#include "net/endpoint.h"

namespace dotcache {

// The gateways of default routes over IPv4 in the text of /proc/net/route.
std::vector<Endpoint> DefaultGateways(const std::string& routes);

// Logs a warning when the first query of a container's gateway arrives. A container engine's
// user-land proxy sends the queries of other clients from that address. Then access rules and rates
// see one client. Any thread may call it.
class GatewayWatch {
 public:
  explicit GatewayWatch(const std::vector<Endpoint>& gateways)
      : gateways_(gateways), waits_(!gateways.empty()) {}

  // The gateways of this process if it is in a container of Docker or Podman, else none.
  static std::vector<Endpoint> OwnGateways();

  // Looks at the client of a wildcard listener. Returns true if this is the first one from a
  // gateway.
  bool Note(const Endpoint& client) {
    return waits_.load(std::memory_order_relaxed) && Look(client);
  }

 private:
  bool Look(const Endpoint& client);

  const std::vector<Endpoint> gateways_;
  std::atomic<bool> waits_;
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_GATEWAY_WATCH_H_
