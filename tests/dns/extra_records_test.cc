// SPDX-License-Identifier: Apache-2.0
#include "dns/extra_records.h"

#include <gtest/gtest.h>

#include "tests/support/message_builder.h"

namespace dotcache {
namespace {

TEST(ExtraRecordsTest, FindsThemBehindOtherRecords) {
  MessageBuilder builder;
  builder.Question("a.example", QType::kA)
      .Answer(ARecord(WireName::Pointer(12), 60, "192.0.2.1"))
      .Authority(SoaRecord("example", 60, 60))
      .Additional(ARecord("b.example", 60, "192.0.2.1"))
      .Opt({.flags = kEdnsFlagDo, .options = {{12, WireMessage(4)}}});
  const size_t tsig_at = builder.offset();
  builder.Additional({.owner = "key", .type = QType::kTsig, .rdata = WireMessage(20)});
  const ExtraRecords extra = FindExtraRecords(builder.Build());
  ASSERT_TRUE(extra.edns.has_value());
  EXPECT_TRUE(extra.edns->dnssec_ok);
  EXPECT_TRUE(extra.edns->has_padding);
  EXPECT_EQ(extra.tsig_at, tsig_at);
}

TEST(ExtraRecordsTest, ATsigThatIsNotLastIsNotFound) {
  const WireMessage message =
      MessageBuilder().Additional({.owner = "key", .type = QType::kTsig}).Opt().Build();
  EXPECT_FALSE(FindExtraRecords(message).tsig_at.has_value());
  EXPECT_TRUE(FindExtraRecords(message).edns.has_value());
}

TEST(ExtraRecordsTest, MalformedOptionsAreLeftOut) {
  Record opt = OptRecord({.flags = kEdnsFlagDo, .options = {{12, WireMessage(4)}}});
  opt.rdata.push_back(0);
  const ExtraRecords extra = FindExtraRecords(MessageBuilder().Additional(opt).Build());
  ASSERT_TRUE(extra.edns.has_value());
  EXPECT_TRUE(extra.edns->dnssec_ok);
  EXPECT_FALSE(extra.edns->has_padding);
}

TEST(ExtraRecordsTest, EveryPrefixOfAMessageIsSafeAndWithoutOpt) {
  const WireMessage message = MessageBuilder().Question("a.example", QType::kA).Opt().Build();
  for (size_t size = kHeaderSize; size < message.size(); ++size) {
    const WireMessage prefix(message.begin(), message.begin() + static_cast<ptrdiff_t>(size));
    EXPECT_FALSE(FindExtraRecords(prefix).edns.has_value()) << size;
  }
}

TEST(ExtraRecordsTest, NothingIsReadInALargeMessage) {
  for (const size_t rest : {size_t{4096}, size_t{4097}}) {
    WireMessage message = MessageBuilder().Opt().Build();
    message.resize(rest);
    EXPECT_EQ(FindExtraRecords(message).edns.has_value(), rest == 4096);
  }
}

}  // namespace
}  // namespace dotcache
