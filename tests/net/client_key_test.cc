// SPDX-License-Identifier: Apache-2.0
#include "net/client_key.h"

#include <netinet/in.h>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace dotcache {
namespace {

Endpoint Client(absl::string_view address) { return *Endpoint::ParseAddress(address, 1234); }

ClientKey Key(absl::string_view address) { return ClientKey(Client(address)); }

// Returns the key of the address with this interface index. The interface need not exist.
ClientKey KeyOfLink(absl::string_view address, uint32_t zone) {
  sockaddr_in6 with_zone = *reinterpret_cast<const sockaddr_in6*>(Client(address).address());
  with_zone.sin6_scope_id = zone;
  return ClientKey(Endpoint::FromSockaddr(reinterpret_cast<const sockaddr*>(&with_zone)));
}

TEST(ClientKeyTest, PortsDoNotDistinguishClients) {
  EXPECT_TRUE(ClientKey(*Endpoint::Parse("192.0.2.1:1")) ==
              ClientKey(*Endpoint::Parse("192.0.2.1:2")));
  EXPECT_FALSE(Key("192.0.2.1") == Key("192.0.2.2"));
}

TEST(ClientKeyTest, Ipv6ClientIsItsNetworkOf64Bits) {
  EXPECT_TRUE(Key("2001:db8:0:1::1") == Key("2001:db8:0:1:ffff::2"));
  EXPECT_FALSE(Key("2001:db8:0:1::1") == Key("2001:db8:0:2::1"));
  EXPECT_TRUE(Key("fec0::1") == Key("fec0::2"));
}

TEST(ClientKeyTest, LinkLocalClientIsItsAddressAndInterface) {
  for (const char* address : {"fe80::1", "febf::1"}) {
    EXPECT_TRUE(KeyOfLink(address, 1) == KeyOfLink(address, 1)) << address;
    EXPECT_FALSE(KeyOfLink(address, 1) == KeyOfLink(address, 2)) << address;
  }
  EXPECT_FALSE(KeyOfLink("fe80::1", 1) == KeyOfLink("fe80::2", 1));
}

TEST(ClientKeyTest, MappedAddressCountsAsIpv4Client) {
  EXPECT_TRUE(Key("::ffff:192.0.2.1") == Key("192.0.2.1"));
  EXPECT_FALSE(Key("::ffff:192.0.2.1") == Key("192.0.2.2"));
}

TEST(ClientKeyTest, HashDistinguishesClients) {
  const HashSeed seed{1, 2};
  EXPECT_EQ(Key("2001:db8:0:1::1").Hash(seed), Key("2001:db8:0:1::2").Hash(seed));
  EXPECT_NE(Key("2001:db8:0:1::1").Hash(seed), Key("2001:db8:0:2::1").Hash(seed));
  EXPECT_NE(Key("192.0.2.1").Hash(seed), Key("192.0.2.2").Hash(seed));
  EXPECT_NE(KeyOfLink("fe80::1", 1).Hash(seed), KeyOfLink("fe80::1", 2).Hash(seed));
  EXPECT_NE(Key("192.0.2.1").Hash(seed), Key("192.0.2.1").Hash(HashSeed{1, 3}));
}

TEST(ClientKeyTest, Ipv4AddressIsNoIpv6Network) {
  EXPECT_FALSE(Key("0.0.0.1") == Key("0:0:0:1::"));
}

}  // namespace
}  // namespace dotcache
