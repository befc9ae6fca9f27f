// SPDX-License-Identifier: Apache-2.0
#include "core/bytes.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

TEST(BytesTest, NumbersAreReadWithTheMostSignificantOctetFirst) {
  const WireMessage octets = {0xff, 0x01, 0x02, 0xf3, 0x04};
  EXPECT_EQ(LoadU16(&octets[1]), 0x0102);
  EXPECT_EQ(LoadU32(&octets[1]), 0x0102f304u);
  EXPECT_EQ(LoadU32(&octets[0]), 0xff0102f3u);
}

TEST(BytesTest, NumbersAreWrittenWithTheMostSignificantOctetFirst) {
  WireMessage octets(8, 0xaa);
  StoreU16(&octets[1], 0x0102);
  StoreU32(&octets[3], 0x8090a0b0);
  EXPECT_EQ(octets, (WireMessage{0xaa, 0x01, 0x02, 0x80, 0x90, 0xa0, 0xb0, 0xaa}));
}

}  // namespace
}  // namespace dotcache
