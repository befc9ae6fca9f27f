// SPDX-License-Identifier: Apache-2.0
#include "server/own_listener.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dotcache {
namespace {

using testing::ElementsAre;

Endpoint At(absl::string_view text) { return *Endpoint::Parse(text); }

bool Finds(absl::string_view listen, absl::string_view upstream,
           Transport listening = Transport::kTcp, Transport asking = Transport::kTcp) {
  const std::vector<ListenOptions> listeners = {{Transport::kTcp, At("192.0.2.1:5353")},
                                                {listening, At(listen)}};
  const ListenOptions* found = FindOwnListener(At(upstream), asking, listeners);
  EXPECT_TRUE(found == nullptr || found == &listeners[1]);
  return found != nullptr;
}

// Returns the upstreams that the listener at `listen` would receive.
std::vector<absl::string_view> OwnAmong(std::vector<absl::string_view> upstreams,
                                        absl::string_view listen) {
  std::erase_if(upstreams, [&](absl::string_view upstream) { return !Finds(listen, upstream); });
  return upstreams;
}

TEST(OwnListenerTest, FindsTheListenerOnTheSameAddressAndPort) {
  const std::vector<absl::string_view> upstreams = {"127.0.0.1:53", "127.0.0.1:54", "127.0.0.2:53",
                                                    "[::1]:53"};
  EXPECT_THAT(OwnAmong(upstreams, "127.0.0.1:53"), ElementsAre("127.0.0.1:53"));
  EXPECT_THAT(OwnAmong(upstreams, "[::1]:53"), ElementsAre("[::1]:53"));
}

TEST(OwnListenerTest, WildcardListenerMatchesEveryAddressOfThisMachine) {
  const std::vector<absl::string_view> upstreams = {"127.0.0.1:53", "127.9.8.7:53", "127.0.0.1:54",
                                                    "192.0.2.9:53", "[::1]:53"};
  EXPECT_THAT(OwnAmong(upstreams, "0.0.0.0:53"), ElementsAre("127.0.0.1:53", "127.9.8.7:53"));
  EXPECT_THAT(OwnAmong(upstreams, "[::]:53"), ElementsAre("[::1]:53"));  // Bound to IPv6 only.
}

TEST(OwnListenerTest, Ipv4MappedAddressMatchesIpv4Listener) {
  EXPECT_TRUE(Finds("127.0.0.1:53", "[::ffff:127.0.0.1]:53"));
  EXPECT_TRUE(Finds("0.0.0.0:53", "[::ffff:127.0.0.1]:53"));
  EXPECT_FALSE(Finds("[::]:53", "[::ffff:127.0.0.1]:53"));
}

TEST(OwnListenerTest, StreamsMatchStreamListenersAndUdpMatchesBoth) {
  const auto finds = [](Transport listening, Transport asking) {
    return Finds("127.0.0.1:53", "127.0.0.1:53", listening, asking);
  };
  EXPECT_TRUE(finds(Transport::kUdp, Transport::kUdp));
  EXPECT_TRUE(finds(Transport::kTcp, Transport::kUdp));
  EXPECT_TRUE(finds(Transport::kTcp, Transport::kDot));
  EXPECT_TRUE(finds(Transport::kDot, Transport::kTcp));
  EXPECT_TRUE(finds(Transport::kDot, Transport::kDot));
  EXPECT_FALSE(finds(Transport::kUdp, Transport::kTcp));
  EXPECT_FALSE(finds(Transport::kUdp, Transport::kDot));
}

}  // namespace
}  // namespace dotcache
