// SPDX-License-Identifier: Apache-2.0
#include "dns/tsig.h"

#include <gtest/gtest.h>

#include "dns/dns_types.h"
#include "tests/support/message_builder.h"

namespace dotcache {
namespace {

// A TSIG with this algorithm, a MAC of 4 octets and other data of 6 (RFC 8945 section 4.2).
WireMessage MessageWith(const WireMessage& algorithm, QType type = QType::kTsig) {
  const WireMessage rdata =
      Concat({algorithm, WireMessage{0, 0, 1, 2, 3, 4, 1, 44, 0, 4, 9, 9, 9, 9},
              WireMessage{0xab, 0xcd, 0, 18, 0, 6, 0, 0, 1, 2, 3, 5}});
  return MessageBuilder()
      .Question("a.example", QType::kA)
      .Additional({.owner = "key", .type = type, .ttl = 0, .rdata = rdata, .klass = QClass::kAny})
      .Build();
}

constexpr size_t kRecordAt = kHeaderSize + 11 + 4;

TEST(TsigTest, ReadsKeyAlgorithmTimeAndFudge) {
  const WireMessage message = MessageWith(WireName("hmac-sha512").octets);
  const auto tsig = ReadTsig(message, kRecordAt);
  ASSERT_TRUE(tsig.has_value());
  EXPECT_EQ(tsig->key.ToString(), "key.");
  EXPECT_EQ(tsig->algorithm, Bytes(WireName("hmac-sha512").octets));
  EXPECT_EQ(tsig->time_and_fudge, Bytes(WireMessage{0, 0, 1, 2, 3, 4, 1, 44}));
}

TEST(TsigTest, ReadsNothingElse) {
  EXPECT_FALSE(ReadTsig(MessageWith(WireName("alg").octets, QType::kSig), kRecordAt).has_value());
  EXPECT_FALSE(ReadTsig(MessageWith({0xc0, 12}), kRecordAt).has_value());  // Compressed.
  const WireMessage message = MessageWith(WireName("alg").octets);
  EXPECT_FALSE(ReadTsig(message, kRecordAt - 1).has_value());
  for (size_t size = 0; size < message.size(); ++size) {
    EXPECT_FALSE(ReadTsig(Bytes(message).first(size), kRecordAt).has_value()) << size;
  }
}

TEST(TsigTest, WritesBadKeyWithAnEmptyMacAndTheIdOfTheReply) {
  const WireMessage message = MessageWith({0});
  const auto tsig = ReadTsig(message, kRecordAt);
  ASSERT_TRUE(tsig.has_value());
  WireMessage out = MessageBuilder().Id(0x4321).Build();
  const size_t size = out.size();
  out.resize(size + BadKeySize(*tsig));
  EXPECT_EQ(AppendBadKey(*tsig, absl::MakeSpan(out), size), out.size());
  EXPECT_EQ(LoadHeader(out).arcount, 1);
  const WireMessage expected = {3, 'k', 'e', 'y', 0, 0, 250, 0,  255, 0, 0,    0,    0, 0,  17, 0,
                                0, 0,   1,   2,   3, 4, 1,   44, 0,   0, 0x43, 0x21, 0, 17, 0,  0};
  EXPECT_EQ(Bytes(out).subspan(size), Bytes(expected));
}

}  // namespace
}  // namespace dotcache
