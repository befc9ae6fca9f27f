// SPDX-License-Identifier: Apache-2.0
#include "net/address_prefix.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dotcache {
namespace {

bool Contains(absl::string_view prefix, absl::string_view address) {
  return AddressPrefix::Parse(address)->IsWithin(*AddressPrefix::Parse(prefix));
}

TEST(AddressPrefixTest, ContainsItsFirstAndLastAddressAndNoNeighbour) {
  struct Case {
    const char* prefix;
    const char* below;
    const char* first;
    const char* last;
    const char* above;
  };
  const Case cases[] = {
      {"10.0.0.0/8", "9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"},
      {"172.16.0.0/12", "172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"},
      {"192.0.2.128/25", "192.0.2.127", "192.0.2.128", "192.0.2.255", "192.0.3.0"},
      {"192.0.2.7/32", "192.0.2.6", "192.0.2.7", "192.0.2.7", "192.0.2.8"},
      {"fc00::/7", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
       "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe00::"},
      {"2001:db8:0:8000::/49", "2001:db8:0:7fff:ffff:ffff:ffff:ffff",
       "2001:db8:0:8000::", "2001:db8:0:ffff:ffff:ffff:ffff:ffff", "2001:db8:1::"},
      {"::1/128", "::", "::1", "::1", "::2"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.prefix);
    EXPECT_FALSE(Contains(c.prefix, c.below));
    EXPECT_TRUE(Contains(c.prefix, c.first));
    EXPECT_TRUE(Contains(c.prefix, c.last));
    EXPECT_FALSE(Contains(c.prefix, c.above));
  }
}

TEST(AddressPrefixTest, LengthZeroContainsEveryAddressOfTheFamily) {
  EXPECT_TRUE(Contains("0.0.0.0/0", "255.255.255.255"));
  EXPECT_TRUE(Contains("::/0", "ffff::"));
  EXPECT_FALSE(Contains("0.0.0.0/0", "::1"));
  EXPECT_FALSE(Contains("::/0", "127.0.0.1"));
}

TEST(AddressPrefixTest, AddressWithoutLengthContainsOnlyItself) {
  EXPECT_TRUE(Contains("192.0.2.1", "192.0.2.1"));
  EXPECT_FALSE(Contains("192.0.2.1", "192.0.2.2"));
  EXPECT_FALSE(Contains("2001:db8::1", "2001:db8::2"));
  EXPECT_EQ(AddressPrefix::Parse("192.0.2.1")->ToString(), "192.0.2.1/32");
}

TEST(AddressPrefixTest, PrintsWhatItParses) {
  for (const char* text : {"10.0.0.0/8", "0.0.0.0/0", "fc00::/7", "2001:db8::1/128"}) {
    EXPECT_EQ(AddressPrefix::Parse(text)->ToString(), text);
  }
}

TEST(AddressPrefixTest, InvalidPrefixIsAnErrorThatContainsTheText) {
  for (const char* text : {"", "/8", "10/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1",
                           "10.0.0.0/8x", "::/129", "example.com/8", "10.0.0.0/8/8"}) {
    const auto prefix = AddressPrefix::Parse(text);
    EXPECT_EQ(prefix.status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
  EXPECT_THAT(std::string(AddressPrefix::Parse("10.0.0.0/33").status().message()),
              testing::AllOf(testing::HasSubstr("10.0.0.0/33"), testing::HasSubstr("0 to 32")));
}

TEST(AddressPrefixTest, HasItsFirstAndLastAddress) {
  const AddressPrefix v4 = *AddressPrefix::Parse("172.16.0.0/12");
  EXPECT_EQ(v4.First(), Bytes({172, 16, 0, 0}));
  EXPECT_EQ(Bytes(v4.Last().data(), 4), Bytes({172, 31, 255, 255}));
  const AddressPrefix v6 = *AddressPrefix::Parse("2001:db8::/127");
  EXPECT_EQ(v6.First().size(), 16u);
  EXPECT_EQ(v6.Last()[15], 1);
  EXPECT_EQ(v6.Last()[0], 0x20);
  EXPECT_EQ(AddressPrefix::Parse("::/0")->Last()[15], 0xff);
}

TEST(AddressPrefixTest, BitsBeyondTheLengthAreAnError) {
  for (const char* text : {"10.0.0.1/8", "192.0.2.128/24", "fc00::1/7", "128.0.0.0/0"}) {
    EXPECT_FALSE(AddressPrefix::Parse(text).ok()) << text;
  }
}

TEST(AddressPrefixTest, RangesWithPublicAddressesAreRecognized) {
  EXPECT_FALSE(HasPublicAddress({}));
  EXPECT_FALSE(HasPublicAddress(PrivatePrefixes()));
  for (const char* inside : {"10.1.0.0/16", "127.0.0.1", "fd00::/8", "fe80::1"}) {
    EXPECT_FALSE(HasPublicAddress({*AddressPrefix::Parse(inside)})) << inside;
  }
  for (const char* outside : {"0.0.0.0/0", "::/0", "10.0.0.0/7", "192.0.2.0/24", "8.8.8.8"}) {
    EXPECT_TRUE(
        HasPublicAddress({*AddressPrefix::Parse("10.0.0.0/8"), *AddressPrefix::Parse(outside)}))
        << outside;
  }
}

}  // namespace
}  // namespace dotcache
