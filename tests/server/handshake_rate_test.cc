// SPDX-License-Identifier: Apache-2.0
#include "server/handshake_rate.h"

#include "absl/strings/str_format.h"
#include "gtest/gtest.h"

namespace dotcache {
namespace {

constexpr MonoTime kNow{Seconds(1000)};

Endpoint Client(const char* address) { return *Endpoint::ParseAddress(address, 1); }

TEST(HandshakeRateTest, ClientHasABurstAndThenItsRate) {
  HandshakeRate rate(5);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(rate.Allows(Client("192.0.2.1"), kNow)) << i;
  EXPECT_FALSE(rate.Allows(Client("192.0.2.1"), kNow));
  EXPECT_TRUE(rate.Allows(Client("192.0.2.2"), kNow));
  EXPECT_TRUE(rate.Allows(Client("192.0.2.1"), kNow + Milliseconds(200)));
  EXPECT_FALSE(rate.Allows(Client("192.0.2.1"), kNow + Milliseconds(200)));
}

TEST(HandshakeRateTest, ManyClientsOfOneIpv6SiteHaveALimitTogether) {
  HandshakeRate rate(5);
  int allowed = 0;
  for (int i = 0; i < 1000; ++i) {
    allowed += rate.Allows(Client(absl::StrFormat("2001:db8:1:%x::1", i).c_str()), kNow) ? 1 : 0;
  }
  EXPECT_EQ(allowed, 200);
  EXPECT_TRUE(rate.Allows(Client("2001:db8:2::1"), kNow));
  EXPECT_TRUE(rate.Allows(Client("192.0.2.1"), kNow));
}

TEST(HandshakeRateTest, AnotherRateIsUsedFromTheNextHandshakeOn) {
  HandshakeRate rate(0);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(rate.Allows(Client("192.0.2.1"), kNow));
  rate.Use(1);
  EXPECT_TRUE(rate.Allows(Client("192.0.2.1"), kNow));
  EXPECT_TRUE(rate.Allows(Client("192.0.2.1"), kNow));
  EXPECT_FALSE(rate.Allows(Client("192.0.2.1"), kNow));
  rate.Use(0);
  EXPECT_TRUE(rate.Allows(Client("192.0.2.1"), kNow));
}

TEST(HandshakeRateTest, LargeRatesAreAllowed) {
  HandshakeRate rate(100'000);
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(rate.Allows(Client("2001:db8::1"), kNow));
}

TEST(HandshakeRateTest, ZeroIsNoLimit) {
  HandshakeRate rate(0);
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(rate.Allows(Client("192.0.2.1"), kNow));
}

}  // namespace
}  // namespace dotcache
