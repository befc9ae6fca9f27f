// SPDX-License-Identifier: Apache-2.0
#include "answer/client_rate.h"

#include "absl/strings/str_format.h"
#include "gtest/gtest.h"

namespace dotcache {
namespace {

constexpr MonoTime kNow{Seconds(1000)};
constexpr ClientRateOptions kFive{.rate = {.per_second = 5, .burst = 10}};

Endpoint Client(absl::string_view address) { return *Endpoint::ParseAddress(address, 1); }

// Returns how many of `count` queries are allowed.
int Ask(ClientRate& rate, absl::string_view client, int count, bool proved = false,
        size_t which = 0, MonoTime now = kNow) {
  int allowed = 0;
  for (int i = 0; i < count; ++i)
    allowed += rate.Allows(Client(client), which, proved, now) ? 1 : 0;
  return allowed;
}

TEST(ClientRateTest, ClientHasABurstAndThenItsRate) {
  ClientRate rate(kFive, {});
  EXPECT_TRUE(rate.enabled());
  EXPECT_EQ(Ask(rate, "192.0.2.1", 100), 10);
  EXPECT_EQ(Ask(rate, "192.0.2.1", 100, false, 0, kNow + Seconds(1)), 5);
  EXPECT_EQ(Ask(rate, "192.0.2.2", 100), 10);
}

TEST(ClientRateTest, Ipv6ClientIsA64) {
  ClientRate rate(kFive, {});
  EXPECT_EQ(Ask(rate, "2001:db8:1:2::1", 100), 10);
  EXPECT_EQ(Ask(rate, "2001:db8:1:2::2", 100), 0);
  EXPECT_EQ(Ask(rate, "2001:db8:1:3::1", 100), 10);
}

TEST(ClientRateTest, ManyClientsOfOneIpv6SiteHaveALimitTogether) {
  ClientRate rate(kFive, {});
  int allowed = 0;
  for (int i = 0; i < 1000; ++i) allowed += Ask(rate, absl::StrFormat("2001:db8:1:%x::1", i), 1);
  EXPECT_EQ(allowed, 200);
  EXPECT_EQ(Ask(rate, "2001:db8:2::1", 1), 1);
}

TEST(ClientRateTest, QueriesFromProvedAddressesCountOnTheirOwn) {
  ClientRate rate(kFive, {});
  EXPECT_EQ(Ask(rate, "192.0.2.1", 100), 10);
  EXPECT_EQ(Ask(rate, "192.0.2.1", 100, /*proved=*/true), 10);
  EXPECT_EQ(Ask(rate, "2001:db8:1:2::1", 100), 10);
  EXPECT_EQ(Ask(rate, "2001:db8:1:2::1", 100, /*proved=*/true), 10);
}

TEST(ClientRateTest, CommonRateSparesLoopback) {
  ClientRate rate(kFive, {{3, 3}});
  EXPECT_EQ(Ask(rate, "127.0.0.9", 100), 100);
  EXPECT_EQ(Ask(rate, "::1", 100), 100);
  EXPECT_EQ(Ask(rate, "127.0.0.9", 100, false, /*which=*/1), 3);
}

TEST(ClientRateTest, RulesHaveRatesOfTheirOwn) {
  ClientRate rate(kFive, {{2, 4}, {0, 0}});
  EXPECT_EQ(Ask(rate, "192.0.2.1", 100, false, 1), 4);
  EXPECT_EQ(Ask(rate, "192.0.2.1", 100, false, 2), 100);
  EXPECT_EQ(Ask(rate, "192.0.2.1", 100, false, 0), 10);
}

TEST(ClientRateTest, IsOffWithoutARate) {
  EXPECT_FALSE(ClientRate({}, {}).enabled());
  EXPECT_FALSE(ClientRate({}, {{0, 0}}).enabled());
  ClientRate rate({}, {{1, 1}});
  EXPECT_TRUE(rate.enabled());
  EXPECT_EQ(Ask(rate, "192.0.2.1", 100), 100);
}

TEST(ClientRateTest, HasTheRatesThatItWasMadeWith) {
  const ClientRate rate(kFive, {{2, 4}});
  EXPECT_TRUE(rate.HasRates(kFive, {{2, 4}}));
  EXPECT_FALSE(rate.HasRates(kFive, {}));
  EXPECT_FALSE(rate.HasRates({.rate = {5, 11}}, {{2, 4}}));
  EXPECT_FALSE(rate.HasRates({.rate = {5, 10}, .over_udp = OverRate::kDrop}, {{2, 4}}));
}

TEST(ClientRateTest, LimitedClientsAreCountedUntilTheyAreTaken) {
  ClientRate rate(kFive, {});
  Ask(rate, "192.0.2.1", 13);
  Ask(rate, "2001:db8:1:2::1", 30);
  Ask(rate, "192.0.2.9", 10);
  const std::vector<LimitedClient> clients = rate.TakeLimited();
  ASSERT_EQ(clients.size(), 2u);
  EXPECT_EQ(clients[0].network, "2001:db8:1:2::/64");
  EXPECT_EQ(clients[0].queries, 20u);
  EXPECT_EQ(clients[1].network, "192.0.2.1/32");
  EXPECT_EQ(clients[1].queries, 3u);
  EXPECT_TRUE(rate.TakeLimited().empty());
}

TEST(ClientRateTest, ClientsBeyondTheLimitAreCountedTogether) {
  ClientRate rate({.rate = {1, 1}}, {});
  for (size_t i = 0; i < ClientRate::kMaxLimited + 3; ++i) {
    Ask(rate, absl::StrFormat("192.0.%d.%d", i / 256, i % 256), 3);
  }
  const std::vector<LimitedClient> clients = rate.TakeLimited();
  ASSERT_EQ(clients.size(), ClientRate::kMaxLimited + 1);
  EXPECT_EQ(clients[0].network, "");
  EXPECT_EQ(clients[0].queries, 6u);
  EXPECT_EQ(clients[1].queries, 2u);
}

}  // namespace
}  // namespace dotcache
