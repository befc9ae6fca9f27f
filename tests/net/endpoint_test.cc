// SPDX-License-Identifier: Apache-2.0
#include "net/endpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"

namespace dotcache {
namespace {

using ::testing::HasSubstr;

std::string RoundTrip(absl::string_view text, uint16_t default_port = 0) {
  absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(text, default_port);
  return endpoint.ok() ? endpoint->ToString() : std::string(endpoint.status().message());
}

TEST(EndpointTest, ParsesAddressesWithPorts) {
  EXPECT_EQ(RoundTrip("192.0.2.1:53"), "192.0.2.1:53");
  EXPECT_EQ(RoundTrip("0.0.0.0:0"), "0.0.0.0:0");
  EXPECT_EQ(RoundTrip("[2001:db8::1]:853"), "[2001:db8::1]:853");
  EXPECT_EQ(RoundTrip("[2001:DB8:0:0::0001]:65535"), "[2001:db8::1]:65535");
  EXPECT_EQ(RoundTrip("[::ffff:192.0.2.1]:53"), "[::ffff:192.0.2.1]:53");
}

TEST(EndpointTest, DefaultPortReplacesAMissingPort) {
  EXPECT_EQ(RoundTrip("192.0.2.1", 853), "192.0.2.1:853");
  EXPECT_EQ(RoundTrip("192.0.2.1:53", 853), "192.0.2.1:53");
  EXPECT_EQ(RoundTrip("2001:db8::1", 853), "[2001:db8::1]:853");
  EXPECT_EQ(RoundTrip("[2001:db8::1]", 853), "[2001:db8::1]:853");
  EXPECT_EQ(RoundTrip("[2001:db8::1]:53", 853), "[2001:db8::1]:53");
}

TEST(EndpointTest, ErrorsNameTheFaultAndGiveACorrectExample) {
  EXPECT_EQ(RoundTrip("192.0.2.1"), "\"192.0.2.1\": the port is missing; write e.g. 192.0.2.1:53");
  EXPECT_EQ(RoundTrip("[2001:db8::1]"),
            "\"[2001:db8::1]\": the port is missing; write e.g. [2001:db8::1]:53");
  EXPECT_EQ(RoundTrip("2001:db8::1"),
            "\"2001:db8::1\": an IPv6 address with a port needs brackets; write e.g. "
            "[2001:db8::1]:53");
  EXPECT_EQ(RoundTrip("[2001:db8::1:53"),
            "\"[2001:db8::1:53\": \"]\" is missing; write e.g. [2001:db8::1]:53");
  EXPECT_EQ(
      RoundTrip("[2001:db8::1]53"),
      "\"[2001:db8::1]53\": \"]\" must be followed by \":\" and a port, e.g. [2001:db8::1]:53");
  EXPECT_EQ(RoundTrip("[192.0.2.1]:53"),
            "\"[192.0.2.1]:53\": brackets are for IPv6 addresses; write e.g. 192.0.2.1:53");
  for (const char* port : {"", "x", "65536", "-1", "+1", " 53", "53 ", "123456", "0x35"}) {
    EXPECT_EQ(RoundTrip(absl::StrCat("192.0.2.1:", port)),
              absl::StrCat("\"192.0.2.1:", port, "\": \"", port,
                           "\" is not a port; write a number from 0 to 65535, e.g. 853"));
  }
}

TEST(EndpointTest, RejectsTextThatIsNotAnAddress) {
  for (const char* text :
       {"", ":", ":53", "localhost:53", "dns.example", "192.0.2:53", "1.2.3.4.5:1", "[]:53",
        "[:]:53", "[1::2::3]:53", "192.0.2.1%lo:53", "256.1.1.1:53", "192.0.2.1 :53",
        "[2001:db8::g]:1", "]:53", "[", "010.1.1.1:53"}) {
    EXPECT_FALSE(Endpoint::Parse(text).ok()) << text;
    EXPECT_FALSE(Endpoint::Parse(text, 53).ok()) << text;
  }
  EXPECT_THAT(RoundTrip("localhost:53"), HasSubstr("not a host name"));
  EXPECT_FALSE(Endpoint::ParseAddress("192.0.2.1:53", 53).ok());
  EXPECT_FALSE(Endpoint::ParseAddress("[2001:db8::1]", 53).ok());
  EXPECT_FALSE(Endpoint::ParseAddress(absl::string_view("192.0.2.1\0", 10), 53).ok());
}

TEST(EndpointTest, AnInterfaceMayComeLater) {
  const auto parse = [](absl::string_view text) {
    return Endpoint::Parse(text, 853, Endpoint::Interface::kMayComeLater);
  };
  const absl::StatusOr<Endpoint> endpoint = parse("fe80::1%nosuch0.7");
  ASSERT_TRUE(endpoint.ok()) << endpoint.status();
  EXPECT_EQ(endpoint->zone(), 0u);
  EXPECT_EQ(endpoint->ToString(), "[fe80::1%nosuch0.7]:853");
  EXPECT_THAT(endpoint->Current().status().message(), HasSubstr("no interface \"nosuch0.7\""));
  EXPECT_EQ(*endpoint, *parse("[fe80::1%nosuch0.7]:853"));
  EXPECT_FALSE(*endpoint == *parse("fe80::1%nosuch1"));
  EXPECT_GT(parse("fe80::1%lo")->Current()->zone(), 0u);
  for (const char* bad : {"fe80::1%", "fe80::1%sixteen-octets-x", "fe80::1%a/b"}) {
    EXPECT_FALSE(parse(bad).ok()) << bad;
  }
}

TEST(EndpointTest, LinkLocalAddressesHaveAZone) {
  absl::StatusOr<Endpoint> endpoint = Endpoint::Parse("[fe80::1%lo]:53");
  ASSERT_TRUE(endpoint.ok()) << endpoint.status();
  EXPECT_NE(endpoint->zone(), 0u);
  EXPECT_EQ(endpoint->ToString(), "[fe80::1%lo]:53");
  EXPECT_EQ(endpoint->AddressToString(), "fe80::1");
  EXPECT_EQ(endpoint->interface(), "lo");
  EXPECT_EQ(endpoint->Current()->zone(), endpoint->zone());
  EXPECT_EQ(RoundTrip("[fe80::1%4294967]:53"), "[fe80::1%4294967]:53");
  EXPECT_THAT(RoundTrip("[fe80::1%nosuch0]:53"), HasSubstr("no interface \"nosuch0\""));
  EXPECT_THAT(RoundTrip("[fe80::1%]:53"), HasSubstr("no interface"));
  EXPECT_THAT(RoundTrip("[2001:db8::1%lo]:53"), HasSubstr("only link-local"));
}

TEST(EndpointTest, DetectsWildcardAndLoopbackAddresses) {
  EXPECT_TRUE(Endpoint().is_wildcard());
  EXPECT_TRUE(Endpoint::Parse("[::]:53")->is_wildcard());
  EXPECT_FALSE(Endpoint::Parse("[::1]:53")->is_wildcard());
  EXPECT_TRUE(Endpoint::Parse("[::1]:53")->is_loopback());
  EXPECT_TRUE(Endpoint::Parse("127.8.9.10:53")->is_loopback());
  EXPECT_TRUE(Endpoint::Parse("[::ffff:127.0.0.1]:53")->is_loopback());
  EXPECT_FALSE(Endpoint::Parse("128.0.0.1:53")->is_loopback());
  EXPECT_FALSE(Endpoint::Parse("[2001:db8::1]:53")->is_loopback());
}

TEST(EndpointTest, EqualityAndHashUseFamilyAddressPortAndZone) {
  const std::vector<std::string> different = {"0.0.0.0:0",       "192.0.2.1:53",   "192.0.2.1:54",
                                              "192.0.2.2:53",    "[::]:0",         "[fe80::1]:53",
                                              "[fe80::1%77]:53", "[fe80::2%77]:53"};
  absl::flat_hash_set<Endpoint> set;
  for (const std::string& text : different) EXPECT_TRUE(set.insert(*Endpoint::Parse(text)).second);
  for (const std::string& text : different) EXPECT_TRUE(set.contains(*Endpoint::Parse(text)));
  EXPECT_EQ(set.size(), different.size());
  for (const std::string& a : different) {
    for (const std::string& b : different) {
      EXPECT_EQ(*Endpoint::Parse(a) == *Endpoint::Parse(b), a == b) << a << " and " << b;
    }
  }
  EXPECT_EQ(absl::HashOf(*Endpoint::Parse("[::1]:53")),
            absl::HashOf(*Endpoint::Parse("[0::1]:53")));
}

TEST(EndpointTest, CopiesSocketAddresses) {
  const Endpoint v6 = *Endpoint::Parse("[2001:db8::1]:53");
  EXPECT_EQ(Endpoint::FromSockaddr(v6.address()), v6);
  EXPECT_EQ(v6.address_size(), sizeof(sockaddr_in6));
  const Endpoint v4 = *Endpoint::Parse("192.0.2.1:53");
  EXPECT_EQ(Endpoint::FromSockaddr(v4.address()), v4);
  EXPECT_EQ(v4.address_size(), sizeof(sockaddr_in));
  sockaddr unix_address{};
  unix_address.sa_family = AF_UNIX;
  EXPECT_EQ(Endpoint::FromSockaddr(&unix_address), Endpoint());
}

}  // namespace
}  // namespace dotcache
