// SPDX-License-Identifier: Apache-2.0
#include "core/siphash.h"

#include <array>
#include <numeric>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace dotcache {
namespace {

constexpr HashSeed kSeed{0x0706050403020100, 0x0f0e0d0c0b0a0908};

TEST(SipHash13Test, AgreesWithTheReference) {
  // Made with another implementation, which was checked against the vectors of CPython and the
  // authors.
  const std::vector<std::pair<size_t, uint64_t>> expected = {
      {0, 0xabac0158050fc4dc},  {1, 0xc9f49bf37d57ca93},  {7, 0xd3927d989bb11140},
      {8, 0x369095118d299a8e},  {15, 0xd320d86d2a519956}, {31, 0x2370dd1f8c21d1bc},
      {63, 0x9d199062b7bbb3a8},
  };
  std::vector<uint8_t> octets(63);
  std::iota(octets.begin(), octets.end(), uint8_t{0});
  for (const auto& [size, hash] : expected) {
    EXPECT_EQ(SipHash13(kSeed, Bytes(octets.data(), size)), hash) << size;
  }
}

TEST(SipHash24Test, AgreesWithTheReference) {
  // The authors' vectors: octets 0, 1, 2, ... under the key 00 01 .. 0f.
  const std::vector<std::pair<size_t, uint64_t>> expected = {
      {0, 0x726fdb47dd0e0e31}, {1, 0x74f839c593dc67fd},  {7, 0xab0200f58b01d137},
      {8, 0x93f5f5799a932462}, {15, 0xa129ca6149be45e5}, {63, 0x958a324ceb064572},
  };
  std::vector<uint8_t> octets(63);
  std::iota(octets.begin(), octets.end(), uint8_t{0});
  for (const auto& [size, hash] : expected) {
    EXPECT_EQ(SipHash24(kSeed, Bytes(octets.data(), size)), hash) << size;
  }
}

TEST(HashSeedTest, FromOctetsUsesTheByteOrderOfTheReference) {
  std::array<uint8_t, 16> octets;
  std::iota(octets.begin(), octets.end(), uint8_t{0});
  const HashSeed seed = HashSeed::FromOctets(octets);
  EXPECT_EQ(seed.k0, kSeed.k0);
  EXPECT_EQ(seed.k1, kSeed.k1);
}

TEST(HashSeedTest, RandomSeedsDiffer) {
  const HashSeed a = HashSeed::Random();
  const HashSeed b = HashSeed::Random();
  EXPECT_NE(a.k0, b.k0);
  EXPECT_NE(a.k1, b.k1);
}

}  // namespace
}  // namespace dotcache
