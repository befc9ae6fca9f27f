// SPDX-License-Identifier: Apache-2.0
#include "server/handshake_rate.h"

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

TEST(HandshakeRateTest, ZeroIsNoLimit) {
  HandshakeRate rate(0);
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(rate.Allows(Client("192.0.2.1"), kNow));
}

}  // namespace
}  // namespace dotcache
