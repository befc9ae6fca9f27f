// SPDX-License-Identifier: Apache-2.0
// rtnetlink messages about links, addresses, routes and rules, as values.
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

// The changes that a group of rtnetlink messages reports. Changes of addresses, routes and rules
// only set `any`. A route lookup for each peer then shows which peers they concern. Links are kept
// by interface, because a link that went down may be up again before that lookup.
struct NetworkEvents {
  // A link is up when it is switched on, has a carrier and is not dormant.
  struct Link {
    bool was_down;  // At least once.
    bool is_up;     // After the last message.
  };
  static constexpr size_t kMaxLinks = 256;

  bool any = false;
  bool lost = false;  // Messages were lost, or too many links changed. Any link may have been down.
  absl::flat_hash_map<int, Link> links;  // By interface index.

  void Add(const NetworkEvents& more);
};

// Reads one datagram from a netlink socket subscribed to links, addresses, routes and rules
// (rtnetlink(7)). Numbers are in host byte order. It ignores other message types, bridge ports,
// results of wireless scans, and cached routes. Reading ends at a truncated or malformed message.
NetworkEvents ReadNetworkEvents(Bytes datagram);

// The route that packets to a peer take.
struct NetworkPath {
  bool reachable = false;
  bool link_up = false;  // As in NetworkEvents::Link. A route reply does not contain it.
  int interface = 0;
  std::string gateway;  // Address octets. Empty: the peer is on the link itself.
  std::string source;

  friend bool operator==(const NetworkPath&, const NetworkPath&) = default;
};

// Builds an RTM_GETROUTE request for the route to `peer`. The request contains the source and the
// mark of `outgoing`, because routing rules may select a route by them.
WireMessage BuildRouteQuery(const Endpoint& peer, const OutgoingOptions& outgoing,
                            uint32_t sequence);

// Reads the kernel's reply to the request with this sequence number. Returns the path, which is not
// reachable when the kernel has no route. Returns nullopt when the datagram does not belong to the
// request.
std::optional<NetworkPath> ReadRouteAnswer(Bytes datagram, uint32_t sequence);

}  // namespace dotcache

#endif  // DOTCACHE_NET_NETLINK_MESSAGES_H_
