#include "server/client_shares.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

using Outcome = ClientShares::Outcome;

Endpoint Client(absl::string_view address) { return *Endpoint::ParseAddress(address, 1234); }

TEST(ClientSharesTest, AClientAtItsLimitLeavesPlacesToOthers) {
  ClientShares shares(2, 10);
  EXPECT_EQ(shares.Take(Client("192.0.2.1")), Outcome::kTaken);
  EXPECT_EQ(shares.Take(Client("192.0.2.1")), Outcome::kTaken);
  EXPECT_EQ(shares.Take(Client("192.0.2.1")), Outcome::kClientFull);
  EXPECT_EQ(shares.Take(Client("192.0.2.2")), Outcome::kTaken);
}

TEST(ClientSharesTest, AReturnedPlaceMayBeTakenAgain) {
  ClientShares shares(1, 10);
  EXPECT_EQ(shares.Take(Client("192.0.2.1")), Outcome::kTaken);
  shares.Return(Client("192.0.2.1"));
  EXPECT_EQ(shares.Take(Client("192.0.2.1")), Outcome::kTaken);
}

TEST(ClientSharesTest, AllTogetherHaveALimitToo) {
  ClientShares shares(10, 2);
  EXPECT_EQ(shares.Take(Client("192.0.2.1")), Outcome::kTaken);
  EXPECT_EQ(shares.Take(Client("192.0.2.2")), Outcome::kTaken);
  EXPECT_EQ(shares.Take(Client("192.0.2.3")), Outcome::kAllFull);
  shares.Return(Client("192.0.2.1"));
  EXPECT_EQ(shares.Take(Client("192.0.2.3")), Outcome::kTaken);
}

TEST(ClientSharesTest, PortsDoNotMakeAClientAnother) {
  ClientShares shares(1, 10);
  EXPECT_EQ(shares.Take(*Endpoint::Parse("192.0.2.1:1")), Outcome::kTaken);
  EXPECT_EQ(shares.Take(*Endpoint::Parse("192.0.2.1:2")), Outcome::kClientFull);
}

TEST(ClientSharesTest, AnIpv6ClientIsItsNetworkOf64Bits) {
  ClientShares shares(1, 10);
  EXPECT_EQ(shares.Take(Client("2001:db8:0:1::1")), Outcome::kTaken);
  EXPECT_EQ(shares.Take(Client("2001:db8:0:1:ffff::2")), Outcome::kClientFull);
  EXPECT_EQ(shares.Take(Client("2001:db8:0:2::1")), Outcome::kTaken);
}

TEST(ClientSharesTest, AMappedAddressIsTheIpv4Client) {
  ClientShares shares(1, 10);
  EXPECT_EQ(shares.Take(Client("::ffff:192.0.2.1")), Outcome::kTaken);
  EXPECT_EQ(shares.Take(Client("192.0.2.1")), Outcome::kClientFull);
  EXPECT_EQ(shares.Take(Client("::ffff:192.0.2.2")), Outcome::kTaken);
}

TEST(ClientSharesTest, WhoHasNothingWaitingTakesNoMemory) {
  ClientShares shares(1, 10);
  EXPECT_EQ(shares.Take(Client("192.0.2.1")), Outcome::kTaken);
  shares.Return(Client("192.0.2.1"));
  EXPECT_EQ(shares.client_count(), 0u);
}

}  // namespace
}  // namespace dotcache
