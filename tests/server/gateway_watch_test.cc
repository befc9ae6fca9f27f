// SPDX-License-Identifier: Apache-2.0
#include "server/gateway_watch.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

constexpr char kRoutes[] =
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
    "eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
    "eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"
    "eth1\t0000000A\t0100000A\t0003\t0\t0\t0\t000000FF\t0\t0\t0\n"
    "tun0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n";

Endpoint At(const char* address) { return *Endpoint::ParseAddress(address, 4711); }

TEST(GatewayWatchTest, GatewaysAreThoseOfDefaultRoutes) {
  const std::vector<Endpoint> gateways = DefaultGateways(kRoutes);
  ASSERT_EQ(gateways.size(), 1u);
  EXPECT_EQ(gateways[0].AddressToString(), "172.17.0.1");
  EXPECT_TRUE(DefaultGateways("").empty());
  EXPECT_TRUE(DefaultGateways("eth0 00000000 xyz 0003\neth0 00000000\n").empty());
}

TEST(GatewayWatchTest, OnlyTheFirstQueryOfTheGatewayIsNoted) {
  GatewayWatch watch(DefaultGateways(kRoutes));
  EXPECT_FALSE(watch.Note(At("172.17.0.2")));
  EXPECT_FALSE(watch.Note(At("::1")));
  EXPECT_TRUE(watch.Note(At("172.17.0.1")));
  EXPECT_FALSE(watch.Note(At("172.17.0.1")));
}

TEST(GatewayWatchTest, WithoutGatewaysNothingIsNoted) {
  GatewayWatch watch({});
  EXPECT_FALSE(watch.Note(At("172.17.0.1")));
}

}  // namespace
}  // namespace dotcache
