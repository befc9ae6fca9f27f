// SPDX-License-Identifier: Apache-2.0
#include "server/own_listener.h"

#include <cstring>

#include "net/listen_socket.h"

namespace dotcache {
namespace {

// Converts an IPv4-mapped IPv6 address to the IPv4 address.
Endpoint Unmapped(const Endpoint& endpoint) {
  if (!endpoint.is_v6()) return endpoint;
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(endpoint.address());
  if (!IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) return endpoint;
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = v6->sin6_port;
  std::memcpy(&v4.sin_addr, endpoint.octets().data() + 12, sizeof v4.sin_addr);
  return Endpoint::FromSockaddr(reinterpret_cast<const sockaddr*>(&v4));
}

bool AnswersAt(const Endpoint& listen, const Endpoint& endpoint) {
  if (listen == endpoint) return true;
  return listen.is_wildcard() && listen.is_v6() == endpoint.is_v6() &&
         listen.port() == endpoint.port() && IsOwnAddress(endpoint);
}

}  // namespace

const ListenOptions* FindOwnListener(const Endpoint& endpoint, Transport transport,
                                     absl::Span<const ListenOptions> listeners) {
  const Endpoint target = Unmapped(endpoint);
  for (const ListenOptions& listen : listeners) {
    const bool is_compatible = listen.transport != Transport::kUdp || transport == Transport::kUdp;
    if (is_compatible && AnswersAt(Unmapped(listen.endpoint), target)) return &listen;
  }
  return nullptr;
}

}  // namespace dotcache
