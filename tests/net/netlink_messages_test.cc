// SPDX-License-Identifier: Apache-2.0
#include "net/netlink_messages.h"

#include <gtest/gtest.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>

#include <cstring>
#include <string>

namespace dotcache {
namespace {

constexpr unsigned int kUp = IFF_UP | IFF_RUNNING | IFF_LOWER_UP;

template <typename T>
WireMessage Octets(const T& value) {
  const auto* octets = reinterpret_cast<const uint8_t*>(&value);
  return WireMessage(octets, octets + sizeof value);
}

WireMessage operator+(WireMessage a, const WireMessage& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

WireMessage Message(uint16_t type, const WireMessage& body, uint32_t sequence = 0) {
  nlmsghdr header{};
  header.nlmsg_len = static_cast<uint32_t>(sizeof header + body.size());
  header.nlmsg_type = type;
  header.nlmsg_seq = sequence;
  return Octets(header) + body;
}

WireMessage Attribute(uint16_t type, WireMessage value) {
  const rtattr header{static_cast<uint16_t>(sizeof(rtattr) + value.size()), type};
  value.resize((value.size() + 3) / 4 * 4);
  return Octets(header) + value;
}

WireMessage Link(uint16_t type, int interface, unsigned int flags, uint8_t family = AF_UNSPEC) {
  ifinfomsg link{};
  link.ifi_family = family;
  link.ifi_index = interface;
  link.ifi_flags = flags;
  return Message(type, Octets(link));
}

WireMessage Route(uint16_t type, unsigned int flags = 0, const WireMessage& attributes = {},
                  uint8_t route_type = RTN_UNICAST, uint32_t sequence = 0) {
  rtmsg route{};
  route.rtm_flags = flags;
  route.rtm_type = route_type;
  return Message(type, Octets(route) + attributes, sequence);
}

TEST(NetlinkMessagesTest, AddressesRoutesAndRulesAreEvents) {
  for (const uint16_t type : {RTM_NEWADDR, RTM_DELADDR, RTM_NEWRULE, RTM_DELRULE}) {
    EXPECT_TRUE(ReadNetworkEvents(Message(type, {})).any) << type;
  }
  EXPECT_TRUE(ReadNetworkEvents(Route(RTM_NEWROUTE)).any);
  EXPECT_TRUE(ReadNetworkEvents(Route(RTM_DELROUTE)).any);
}

TEST(NetlinkMessagesTest, NeighboursCachedRoutesBridgePortsAndScansAreNotEvents) {
  EXPECT_FALSE(ReadNetworkEvents(Message(RTM_NEWNEIGH, WireMessage(12))).any);
  EXPECT_FALSE(ReadNetworkEvents(Message(NLMSG_NOOP, {})).any);
  EXPECT_FALSE(ReadNetworkEvents(Route(RTM_NEWROUTE, RTM_F_CLONED)).any);
  EXPECT_FALSE(ReadNetworkEvents(Link(RTM_NEWLINK, 2, kUp, AF_BRIDGE)).any);
  ifinfomsg link{};
  link.ifi_index = 2;
  const WireMessage body =
      Octets(link) + Attribute(IFLA_MTU, WireMessage(4)) + Attribute(IFLA_WIRELESS, {1});
  EXPECT_FALSE(ReadNetworkEvents(Message(RTM_NEWLINK, body)).any);
}

TEST(NetlinkMessagesTest, LinkIsUpWithACarrierAndNotDormant) {
  const auto is_up = [](uint16_t type, unsigned int flags) {
    const NetworkEvents events = ReadNetworkEvents(Link(type, 7, flags));
    EXPECT_TRUE(events.any);
    EXPECT_EQ(events.links.at(7).was_down, !events.links.at(7).is_up);
    return events.links.at(7).is_up;
  };
  EXPECT_TRUE(is_up(RTM_NEWLINK, kUp));
  EXPECT_TRUE(is_up(RTM_NEWLINK, IFF_UP | IFF_LOWER_UP));
  EXPECT_FALSE(is_up(RTM_NEWLINK, IFF_UP));
  EXPECT_FALSE(is_up(RTM_NEWLINK, IFF_LOWER_UP));
  EXPECT_FALSE(is_up(RTM_NEWLINK, kUp | IFF_DORMANT));
  EXPECT_FALSE(is_up(RTM_DELLINK, kUp));
}

TEST(NetlinkMessagesTest, LinkThatWasDownInBetweenIsReported) {
  const NetworkEvents events =
      ReadNetworkEvents(Link(RTM_NEWLINK, 7, IFF_UP) + Link(RTM_NEWLINK, 7, kUp));
  EXPECT_TRUE(events.links.at(7).was_down);
  EXPECT_TRUE(events.links.at(7).is_up);
}

TEST(NetlinkMessagesTest, TooManyLinksCountAsLostEvents) {
  NetworkEvents events;
  for (int i = 0; i < static_cast<int>(NetworkEvents::kMaxLinks); ++i) {
    events.Add(ReadNetworkEvents(Link(RTM_NEWLINK, i, 0)));
  }
  EXPECT_FALSE(events.lost);
  events.Add(ReadNetworkEvents(Link(RTM_NEWLINK, 1000, 0)));
  EXPECT_TRUE(events.lost);
  EXPECT_TRUE(events.links.empty());
}

TEST(NetlinkMessagesTest, TruncatedMessageOrWrongLengthEndsTheReading) {
  const WireMessage whole = Link(RTM_NEWLINK, 7, 0);
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(ReadNetworkEvents(Bytes(whole).first(size)).any) << size;
  }
  WireMessage bad = Route(RTM_NEWROUTE);
  for (const uint32_t length : {0u, 15u, 0xffffffffu}) {
    std::memcpy(bad.data(), &length, sizeof length);
    EXPECT_FALSE(ReadNetworkEvents(bad + whole).any) << length;
  }
  // A bad attribute also ends the reading, but the message still counts as an event.
  const rtattr endless{0, IFLA_WIRELESS};
  ifinfomsg link{};
  EXPECT_TRUE(ReadNetworkEvents(Message(RTM_NEWLINK, Octets(link) + Octets(endless))).any);
}

TEST(NetlinkMessagesTest, RouteQueryContainsThePeer) {
  const WireMessage v4 = BuildRouteQuery(*Endpoint::Parse("192.0.2.1:853"), {}, 5);
  nlmsghdr header;
  std::memcpy(&header, v4.data(), sizeof header);
  EXPECT_EQ(header.nlmsg_len, v4.size());
  EXPECT_EQ(header.nlmsg_type, RTM_GETROUTE);
  EXPECT_EQ(header.nlmsg_seq, 5u);
  EXPECT_EQ(v4.size(), sizeof header + sizeof(rtmsg) + 8);
  EXPECT_EQ(v4[sizeof header], AF_INET);
  EXPECT_EQ(v4[sizeof header + 1], 32);
  EXPECT_EQ(WireMessage(v4.end() - 4, v4.end()), WireMessage({192, 0, 2, 1}));
  const WireMessage v6 = BuildRouteQuery(*Endpoint::Parse("[2001:db8::1]:853"), {}, 5);
  EXPECT_EQ(v6[sizeof header + 1], 128);
  const WireMessage local = BuildRouteQuery(*Endpoint::Parse("[fe80::1%lo]:853"), {}, 5);
  EXPECT_EQ(local.size(), v6.size() + 8);  // With the interface.
}

TEST(NetlinkMessagesTest, RouteQueryContainsSourceAndMark) {
  OutgoingOptions outgoing;
  outgoing.source_v4 = *Endpoint::ParseAddress("192.0.2.9", 0);
  outgoing.mark = 0x1234;
  const Endpoint peer = *Endpoint::Parse("192.0.2.1:853");
  const WireMessage message = BuildRouteQuery(peer, outgoing, 5);
  const WireMessage plain = BuildRouteQuery(peer, {}, 5);
  EXPECT_EQ(message[sizeof(nlmsghdr) + 2], 32);  // rtm_src_len.
  EXPECT_EQ(plain[sizeof(nlmsghdr) + 2], 0);
  EXPECT_EQ(WireMessage(message.begin() + static_cast<std::ptrdiff_t>(plain.size()), message.end()),
            Attribute(RTA_SRC, {192, 0, 2, 9}) + Attribute(RTA_MARK, Octets(uint32_t{0x1234})));
  nlmsghdr header;
  std::memcpy(&header, message.data(), sizeof header);
  EXPECT_EQ(header.nlmsg_len, message.size());
  // The source has the other family.
  const WireMessage v6 = BuildRouteQuery(*Endpoint::Parse("[2001:db8::1]:853"), outgoing, 5);
  EXPECT_EQ(v6[sizeof(nlmsghdr) + 2], 0);
}

TEST(NetlinkMessagesTest, RouteReplyIsReadAsAPath) {
  const WireMessage attributes =
      Attribute(RTA_TABLE, WireMessage(4)) + Attribute(RTA_OIF, Octets(3)) +
      Attribute(RTA_GATEWAY, {192, 0, 2, 254}) + Attribute(RTA_PREFSRC, {192, 0, 2, 1});
  const auto path = ReadRouteAnswer(Route(RTM_NEWROUTE, 0, attributes, RTN_UNICAST, 9), 9);
  ASSERT_TRUE(path.has_value());
  EXPECT_TRUE(path->reachable);
  EXPECT_EQ(path->interface, 3);
  EXPECT_EQ(path->gateway, std::string("\xc0\0\x02\xfe", 4));
  EXPECT_EQ(path->source, std::string("\xc0\0\x02\x01", 4));
  EXPECT_FALSE(
      ReadRouteAnswer(Route(RTM_NEWROUTE, 0, attributes, RTN_UNREACHABLE, 9), 9)->reachable);
}

TEST(NetlinkMessagesTest, ErrorIsAnUnreachablePathAndOtherSequenceNumbersAreIgnored) {
  const WireMessage error =
      Message(NLMSG_ERROR, Octets(nlmsgerr{.error = -ENETUNREACH, .msg = {}}), 9);
  EXPECT_EQ(ReadRouteAnswer(error, 9), NetworkPath());
  EXPECT_EQ(ReadRouteAnswer(error, 8), std::nullopt);
  EXPECT_EQ(ReadRouteAnswer({}, 8), std::nullopt);
  // A truncated reply.
  EXPECT_EQ(ReadRouteAnswer(Message(RTM_NEWROUTE, {1, 2}, 9), 9), NetworkPath());
}

}  // namespace
}  // namespace dotcache
