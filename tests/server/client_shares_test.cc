// SPDX-License-Identifier: Apache-2.0
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

// An address of this link; there need not be such a link.
Endpoint OfLink(absl::string_view address, uint32_t zone) {
  sockaddr_in6 with_zone = *reinterpret_cast<const sockaddr_in6*>(Client(address).address());
  with_zone.sin6_scope_id = zone;
  return Endpoint::FromSockaddr(reinterpret_cast<const sockaddr*>(&with_zone));
}

TEST(ClientSharesTest, ALinkLocalClientIsItsAddressOnItsLink) {
  ClientShares shares(1, 10);
  for (const char* address : {"fe80::1", "fe80::2", "febf::1"}) {
    EXPECT_EQ(shares.Take(OfLink(address, 1)), Outcome::kTaken) << address;
    EXPECT_EQ(shares.Take(OfLink(address, 1)), Outcome::kClientFull) << address;
  }
  EXPECT_EQ(shares.Take(OfLink("fe80::1", 2)), Outcome::kTaken);
  shares.Return(OfLink("fe80::1", 1));
  EXPECT_EQ(shares.Take(OfLink("fe80::1", 1)), Outcome::kTaken);
  EXPECT_EQ(shares.Take(Client("fec0::1")), Outcome::kTaken);  // Is none.
  EXPECT_EQ(shares.Take(Client("fec0::2")), Outcome::kClientFull);
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
