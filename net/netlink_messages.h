// SPDX-License-Identifier: Apache-2.0
// What the kernel says about links, addresses and routes, as values.
#ifndef DOTCACHE_NET_NETLINK_MESSAGES_H_
#define DOTCACHE_NET_NETLINK_MESSAGES_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "core/bytes.h"
#include "net/endpoint.h"
#include "net/outgoing_socket.h"

namespace dotcache {

// What changed. Of no more interest than that something did are addresses, routes and rules: whom
// it concerns is found by asking for the way to each peer. Links are named, since one that went
// down may be up again before anybody asks.
struct NetworkEvents {
  // Up: switched on, with a carrier, and let in (not dormant).
  struct Link {
    bool was_down;  // At some time.
    bool is_up;     // In the end.
  };
  static constexpr size_t kMaxLinks = 256;

  bool any = false;
  bool lost = false;  // Some were lost, or there were too many: any link may have been down.
  absl::flat_hash_map<int, Link> links;  // By interface.

  void Add(const NetworkEvents& more);
};

// Reads one datagram of a socket that is subscribed to links, addresses, routes and rules
// (rtnetlink(7)): octets in the host's order. Messages of other types do not count, nor do links as
// ports of a bridge, news of wireless scans and cached routes. What is cut or malformed ends the
// reading.
NetworkEvents ReadNetworkEvents(Bytes datagram);

// The way that packets to a peer take.
struct NetworkPath {
  bool reachable = false;
  bool link_up = false;  // As of NetworkEvents::Link. No part of a route's answer.
  int interface = 0;
  std::string gateway;  // Octets of an address; empty: the peer itself is on the link.
  std::string source;

  friend bool operator==(const NetworkPath&, const NetworkPath&) = default;
};

// RTM_GETROUTE for the way to this peer of sockets that are made so: rules may choose a way by the
// mark and the source.
WireMessage BuildRouteQuery(const Endpoint& peer, const OutgoingOptions& outgoing,
                            uint32_t sequence);

// What a datagram says in answer to the query with this number: a way, or that there is none;
// nullopt when it does not belong to it.
std::optional<NetworkPath> ReadRouteAnswer(Bytes datagram, uint32_t sequence);

}  // namespace dotcache

#endif  // DOTCACHE_NET_NETLINK_MESSAGES_H_
