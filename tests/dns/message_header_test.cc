// SPDX-License-Identifier: Apache-2.0
#include "dns/message_header.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

const WireMessage kOctets = {0x12, 0x34, 0xa9, 0x93, 0, 1, 0, 2, 0, 3, 1, 4};

TEST(MessageHeaderTest, ReadsEachFieldOfRfc1035) {
  const MessageHeader header = LoadHeader(kOctets);
  EXPECT_EQ(header.id, 0x1234);
  EXPECT_EQ(header.qdcount, 1);
  EXPECT_EQ(header.ancount, 2);
  EXPECT_EQ(header.nscount, 3);
  EXPECT_EQ(header.arcount, 0x104);
  EXPECT_EQ(header.opcode(), Opcode{5});
  EXPECT_EQ(header.header_rcode(), Rcode::kNxDomain);
  for (const uint16_t set : {kFlagQr, kFlagRd, kFlagRa, kFlagCd}) EXPECT_TRUE(header.Has(set));
  for (const uint16_t clear : {kFlagAa, kFlagTc, kFlagZ, kFlagAd}) EXPECT_FALSE(header.Has(clear));
}

TEST(MessageHeaderTest, WritesWhatItReads) {
  WireMessage octets(kHeaderSize + 1, 0xaa);
  StoreHeader(MutableBytes(octets), LoadHeader(kOctets));
  EXPECT_EQ(octets.back(), 0xaa);
  octets.pop_back();
  EXPECT_EQ(octets, kOctets);
}

}  // namespace
}  // namespace dotcache
