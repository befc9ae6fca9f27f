// SPDX-License-Identifier: Apache-2.0
#include "answer/network_table.h"

#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "gtest/gtest.h"

namespace dotcache {
namespace {

Endpoint At(absl::string_view address) { return *Endpoint::ParseAddress(address, 1); }

NetworkTable TableOf(const std::vector<const char*>& texts) {
  std::vector<AddressPrefix> networks;
  for (const char* text : texts) networks.push_back(*AddressPrefix::Parse(text));
  return NetworkTable(networks);
}

TEST(NetworkTableTest, EmptyTableFindsNothing) {
  EXPECT_EQ(TableOf({}).Find(At("0.0.0.0")), NetworkTable::kNone);
  EXPECT_EQ(TableOf({}).Find(At("ffff::")), NetworkTable::kNone);
}

TEST(NetworkTableTest, FindsTheLongestNetwork) {
  const NetworkTable table =
      TableOf({"10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/0", "10.1.2.3", "255.255.255.255"});
  EXPECT_EQ(table.Find(At("10.1.2.3")), 3u);
  EXPECT_EQ(table.Find(At("10.1.2.2")), 1u);
  EXPECT_EQ(table.Find(At("10.1.2.4")), 1u);
  EXPECT_EQ(table.Find(At("10.2.0.0")), 0u);
  EXPECT_EQ(table.Find(At("9.255.255.255")), 2u);
  EXPECT_EQ(table.Find(At("0.0.0.0")), 2u);
  EXPECT_EQ(table.Find(At("255.255.255.255")), 4u);
  EXPECT_EQ(table.Find(At("::1")), NetworkTable::kNone);
}

TEST(NetworkTableTest, FindsIpv6Networks) {
  const NetworkTable table = TableOf({"::/0", "2001:db8::/32", "2001:db8::1", "ffff::/16"});
  const char* clients[] = {"2001:db9::", "2001:db8:ffff::", "2001:db8::1", "ffff:ffff::1"};
  for (size_t i = 0; i < std::size(clients); ++i) EXPECT_EQ(table.Find(At(clients[i])), i);
  EXPECT_EQ(table.Find(At("127.0.0.1")), NetworkTable::kNone);
}

TEST(NetworkTableTest, MappedAddressIsTheIpv4Address) {
  const NetworkTable table = TableOf({"192.0.2.0/24", "::/0"});
  EXPECT_EQ(table.Find(At("::ffff:192.0.2.1")), 0u);
  EXPECT_EQ(table.Find(At("::ffff:192.0.3.1")), NetworkTable::kNone);
}

TEST(NetworkTableTest, FirstOfEqualNetworksCounts) {
  EXPECT_EQ(TableOf({"192.0.2.0/24", "192.0.2.0/24"}).Find(At("192.0.2.1")), 0u);
}

// Compares the table with a look at every network.
TEST(NetworkTableTest, AgreesWithALinearSearch) {
  std::mt19937 random(7);
  for (int round = 0; round < 20; ++round) {
    std::vector<AddressPrefix> networks;
    while (networks.size() < 40) {
      const int length = static_cast<int>(random() % 17) + 16;
      const uint32_t address = (0x0a000000 | random() % 0x20000) & ~0u << (32 - length);
      networks.push_back(*AddressPrefix::Parse(
          absl::StrFormat("%d.%d.%d.%d/%d", address >> 24, address >> 16 & 255, address >> 8 & 255,
                          address & 255, length)));
    }
    const NetworkTable table(networks);
    for (int i = 0; i < 500; ++i) {
      const uint32_t number = random() % 0x20000;
      const std::string text =
          absl::StrFormat("10.%d.%d.%d", number >> 16, number >> 8 & 255, number & 255);
      const AddressPrefix client = *AddressPrefix::Parse(text);
      int longest = -1;
      for (const AddressPrefix& network : networks) {
        if (client.IsWithin(network)) longest = std::max(longest, network.length_bits());
      }
      const size_t found = table.Find(At(text));
      ASSERT_EQ(found == NetworkTable::kNone ? -1 : networks[found].length_bits(), longest);
      if (longest >= 0) {
        ASSERT_TRUE(client.IsWithin(networks[found]));
      }
    }
  }
}

}  // namespace
}  // namespace dotcache
