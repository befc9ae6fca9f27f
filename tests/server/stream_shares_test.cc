// SPDX-License-Identifier: Apache-2.0
#include "server/stream_shares.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

ClientKey Client(const char* address) { return ClientKey(*Endpoint::ParseAddress(address, 1)); }

TEST(StreamSharesTest, EachClientHasItsOwnLimit) {
  StreamShares shares(2);
  EXPECT_TRUE(shares.Take(Client("192.0.2.1")));
  EXPECT_TRUE(shares.Take(Client("192.0.2.1")));
  EXPECT_FALSE(shares.Take(Client("192.0.2.1")));
  EXPECT_TRUE(shares.Take(Client("192.0.2.2")));
}

TEST(StreamSharesTest, ReturnedPlaceCanBeTakenAgain) {
  StreamShares shares(1);
  EXPECT_TRUE(shares.Take(Client("2001:db8::1")));
  EXPECT_FALSE(shares.Take(Client("2001:db8::2")));
  shares.Return(Client("2001:db8::3"));
  EXPECT_TRUE(shares.Take(Client("2001:db8::2")));
}

TEST(StreamSharesTest, ALowerLimitLeavesWhatIsOpen) {
  StreamShares shares(2);
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(shares.Take(Client("192.0.2.1")));
  shares.UseLimit(1);
  EXPECT_FALSE(shares.Take(Client("192.0.2.1")));
  shares.Return(Client("192.0.2.1"));
  EXPECT_FALSE(shares.Take(Client("192.0.2.1")));
  shares.Return(Client("192.0.2.1"));
  EXPECT_TRUE(shares.Take(Client("192.0.2.1")));
}

TEST(StreamSharesTest, PlacesBeyondTheLimitCountToo) {
  StreamShares shares(1);
  EXPECT_TRUE(shares.Take(Client("192.0.2.1")));
  shares.TakeBeyondLimit(Client("192.0.2.1"));
  shares.Return(Client("192.0.2.1"));
  EXPECT_FALSE(shares.Take(Client("192.0.2.1")));
  shares.Return(Client("192.0.2.1"));
  EXPECT_TRUE(shares.Take(Client("192.0.2.1")));
}

}  // namespace
}  // namespace dotcache
