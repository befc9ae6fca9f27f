// SPDX-License-Identifier: Apache-2.0
#include "net/netlink_messages.h"

#include <linux/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "absl/functional/function_ref.h"

namespace dotcache {
namespace {

// IFF_RUNNING is not used, because it follows the carrier up to one second late.
bool IsUp(unsigned int flags) {
  return (flags & (IFF_UP | IFF_LOWER_UP | IFF_DORMANT)) == (IFF_UP | IFF_LOWER_UP);
}

// Removes a structure from the front of `octets`. False when there are too few octets.
template <typename T>
bool Take(Bytes& octets, T& value) {
  if (octets.size() < sizeof value) return false;
  std::memcpy(&value, octets.data(), sizeof value);
  octets.remove_prefix(sizeof value);
  return true;
}

// Visits each message or attribute. Both have a header whose length field includes the header, then
// a body, then padding to four octets. `visit` returns false to stop.
template <typename Header, typename Length>
void ForEach(Bytes octets, Length Header::*length,
             absl::FunctionRef<bool(const Header&, Bytes)> visit) {
  Header header;
  for (Bytes rest = octets; Take(rest, header); rest = octets) {
    const size_t size = header.*length;
    if (size < sizeof header || size > octets.size()) return;
    if (!visit(header, octets.subspan(sizeof header, size - sizeof header))) return;
    octets.remove_prefix(std::min(octets.size(), (size + 3) & ~size_t{3}));
  }
}

void ForEachMessage(Bytes datagram, absl::FunctionRef<bool(const nlmsghdr&, Bytes)> visit) {
  ForEach<nlmsghdr>(datagram, &nlmsghdr::nlmsg_len, visit);
}

void ForEachAttribute(Bytes body, absl::FunctionRef<bool(const rtattr&, Bytes)> visit) {
  ForEach<rtattr>(body, &rtattr::rta_len, visit);
}

void ReadLink(uint16_t type, Bytes body, NetworkEvents& events) {
  ifinfomsg link;
  if (!Take(body, link) || link.ifi_family != AF_UNSPEC) return;  // AF_BRIDGE: a bridge port.
  bool is_wireless_event = false;
  ForEachAttribute(body, [&](const rtattr& attribute, Bytes) {
    is_wireless_event |= attribute.rta_type == IFLA_WIRELESS;
    return !is_wireless_event;
  });
  if (is_wireless_event) return;
  const bool up = type == RTM_NEWLINK && IsUp(link.ifi_flags);
  events.Add({.any = true, .links = {{link.ifi_index, {!up, up}}}});
}

void ReadRoute(Bytes body, NetworkEvents& events) {
  rtmsg route;
  if (Take(body, route) && (route.rtm_flags & RTM_F_CLONED) == 0) events.any = true;
}

std::string Text(Bytes octets) {
  return std::string(reinterpret_cast<const char*>(octets.data()), octets.size());
}

NetworkPath ReadPath(Bytes body) {
  NetworkPath path;
  rtmsg route;
  if (!Take(body, route)) return path;
  path.reachable =
      route.rtm_type == RTN_UNICAST || route.rtm_type == RTN_LOCAL || route.rtm_type == RTN_ANYCAST;
  ForEachAttribute(body, [&path](const rtattr& attribute, Bytes value) {
    if (attribute.rta_type == RTA_OIF) {
      Take(value, path.interface);
    } else if (attribute.rta_type == RTA_GATEWAY || attribute.rta_type == RTA_VIA) {
      path.gateway = Text(value);
    } else if (attribute.rta_type == RTA_PREFSRC) {
      path.source = Text(value);
    }
    return true;
  });
  return path;
}

template <typename T>
void Append(const T& value, WireMessage& message) {
  const size_t begin = message.size();
  message.resize(begin + sizeof value);
  std::memcpy(message.data() + begin, &value, sizeof value);
}

void AppendAttribute(uint16_t type, Bytes value, WireMessage& message) {
  Append(rtattr{static_cast<uint16_t>(sizeof(rtattr) + value.size()), type}, message);
  message.insert(message.end(), value.begin(), value.end());  // 4 or 16 octets: no padding needed.
}

void AppendNumber(uint16_t type, uint32_t value, WireMessage& message) {
  AppendAttribute(type, Bytes(reinterpret_cast<const uint8_t*>(&value), sizeof value), message);
}

}  // namespace

void NetworkEvents::Add(const NetworkEvents& more) {
  any |= more.any;
  lost |= more.lost;
  for (const auto& [interface, link] : more.links) {
    const auto [known, is_new] = links.try_emplace(interface, link);
    if (!is_new) known->second = {known->second.was_down || link.was_down, link.is_up};
  }
  if (links.size() <= kMaxLinks) return;
  lost = true;
  links.clear();
}

NetworkEvents ReadNetworkEvents(Bytes datagram) {
  NetworkEvents events;
  ForEachMessage(datagram, [&events](const nlmsghdr& header, Bytes body) {
    switch (header.nlmsg_type) {
      case RTM_NEWLINK:
      case RTM_DELLINK:
        ReadLink(header.nlmsg_type, body, events);
        break;
      case RTM_NEWROUTE:
      case RTM_DELROUTE:
        ReadRoute(body, events);
        break;
      case RTM_NEWADDR:
      case RTM_DELADDR:
      case RTM_NEWRULE:
      case RTM_DELRULE:
        events.any = true;
        break;
      default:
        break;
    }
    return true;
  });
  return events;
}

WireMessage BuildRouteQuery(const Endpoint& peer, const OutgoingOptions& outgoing,
                            uint32_t sequence) {
  nlmsghdr header{};
  header.nlmsg_type = RTM_GETROUTE;
  header.nlmsg_flags = NLM_F_REQUEST;
  header.nlmsg_seq = sequence;
  rtmsg route{};
  route.rtm_family = static_cast<uint8_t>(peer.family());
  route.rtm_dst_len = static_cast<uint8_t>(8 * peer.octets().size());
  const std::optional<Endpoint>& source = outgoing.SourceFor(peer);
  if (source.has_value()) route.rtm_src_len = route.rtm_dst_len;
  WireMessage message;
  Append(header, message);
  Append(route, message);
  AppendAttribute(RTA_DST, peer.octets(), message);
  if (source.has_value()) AppendAttribute(RTA_SRC, source->octets(), message);
  if (const uint32_t zone = peer.zone(); zone != 0) AppendNumber(RTA_OIF, zone, message);
  if (outgoing.mark != 0) AppendNumber(RTA_MARK, outgoing.mark, message);
  header.nlmsg_len = static_cast<uint32_t>(message.size());
  std::memcpy(message.data(), &header, sizeof header);
  return message;
}

std::optional<NetworkPath> ReadRouteAnswer(Bytes datagram, uint32_t sequence) {
  std::optional<NetworkPath> path;
  ForEachMessage(datagram, [&](const nlmsghdr& header, Bytes body) {
    if (header.nlmsg_seq != sequence) return true;
    if (header.nlmsg_type == RTM_NEWROUTE) path = ReadPath(body);
    // ENETUNREACH, EHOSTUNREACH, EACCES, EINVAL (blackhole): there is no route.
    if (header.nlmsg_type == NLMSG_ERROR) path = NetworkPath();
    return !path.has_value();
  });
  return path;
}

}  // namespace dotcache
