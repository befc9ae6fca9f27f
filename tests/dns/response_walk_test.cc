// SPDX-License-Identifier: Apache-2.0
#include "dns/response_walk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "tests/support/message_builder.h"

namespace dotcache {
namespace {

constexpr size_t kRecordsBegin = kHeaderSize + 17;  // After "example.com" A IN.

MessageBuilder ForExampleCom() {
  return MessageBuilder().Response().Question("example.com", QType::kA);
}

std::optional<WalkedResponse> Walk(const WireMessage& message) {
  return WalkResponse(message, kRecordsBegin);
}

TEST(ResponseWalkTest, ListsEachRecordWithItsOffsets) {
  const WireMessage message = ForExampleCom()
                                  .Answer(ARecord(WireName::Pointer(12), 300, "192.0.2.1"))
                                  .Authority(SoaRecord("com", 900, 60))
                                  .Additional(ARecord("ns.example.com", 30, "192.0.2.2"))
                                  .Build();
  const auto walked = Walk(message);
  ASSERT_TRUE(walked.has_value());
  ASSERT_EQ(walked->records.size(), 3u);
  const ResponseRecord& a = walked->records[0];
  EXPECT_EQ(a.section, Section::kAnswer);
  EXPECT_EQ(a.type, QType::kA);
  EXPECT_EQ(a.begin, kRecordsBegin);
  EXPECT_EQ(LoadU32(&message[a.ttl_offset()]), 300u);
  EXPECT_EQ(a.rdata_size(), 4u);
  EXPECT_EQ(walked->records[1].section, Section::kAuthority);
  EXPECT_EQ(walked->records[2].section, Section::kAdditional);
  EXPECT_EQ(walked->records[2].end, message.size());
}

TEST(ResponseWalkTest, OwnerHashIgnoresCaseAndCompression) {
  const auto walked = Walk(ForExampleCom()
                               .Answer(ARecord(WireName::Pointer(12), 1, "192.0.2.1"))
                               .Answer(ARecord("EXAMPLE.com", 1, "192.0.2.2"))
                               .Answer(ARecord(WireName::Pointer(12), 1, "192.0.2.3"))
                               .Answer(ARecord("example.org", 1, "192.0.2.4"))
                               .Build());
  ASSERT_TRUE(walked.has_value());
  const auto& records = walked->records;
  EXPECT_EQ(records[0].owner_hash, HashName(DomainName::FromText("example.com").value()));
  EXPECT_EQ(records[1].owner_hash, records[0].owner_hash);
  EXPECT_EQ(records[2].owner_hash, records[0].owner_hash);
  EXPECT_NE(records[3].owner_hash, records[0].owner_hash);
}

TEST(ResponseWalkTest, TtlWithItsTopBitSetIsZero) {
  const auto walked = Walk(ForExampleCom()
                               .Answer(ARecord("example.com", 0x80000000, "192.0.2.1"))
                               .Answer(ARecord("example.com", 0x7fffffff, "192.0.2.2"))
                               .Build());
  ASSERT_TRUE(walked.has_value());
  EXPECT_EQ(walked->records[0].ttl, 0u);
  EXPECT_EQ(walked->records[1].ttl, 0x7fffffffu);
}

TEST(ResponseWalkTest, RecordsAfterAnOptAreCheckedButNotListed) {
  const Record behind = ARecord("ns.example.com", 30, "192.0.2.2");
  const auto walked = Walk(ForExampleCom().Opt().Additional(behind).Build());
  ASSERT_TRUE(walked.has_value());
  EXPECT_TRUE(walked->edns.present);
  EXPECT_TRUE(walked->records.empty());
  Record broken = behind;
  broken.rdata.pop_back();
  EXPECT_FALSE(Walk(ForExampleCom().Opt().Additional(broken).Build()).has_value());
}

TEST(ResponseWalkTest, TxtWithVeryManyStringsIsNotPassedToLdns) {
  // 60,000 empty strings would cost ldns a second and half a gigabyte.
  const auto peak_kib = [] {
    rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
  };
  const auto before_kib = peak_kib();
  Record bomb{.owner = "example.com", .type = QType::kTxt, .rdata = WireMessage(60000, 0)};
  const auto walked = Walk(ForExampleCom().Answer(bomb).Build());
  ASSERT_TRUE(walked.has_value());
  EXPECT_EQ(walked->records[0].rdata_size(), 60000u);
  EXPECT_LT(peak_kib() - before_kib, 64 * 1024);
}

TEST(ResponseWalkTest, RrsetWithALongNameMayFillAMessage) {
  std::string name = "example.com";
  while (name.size() + 2 < kMaxNameSize - 1) name = "a." + name;
  MessageBuilder builder = ForExampleCom();
  const uint16_t owner_at = builder.offset();
  builder.Answer(ARecord(name, 60, "192.0.2.1"));
  while (builder.offset() < kMaxMessageSize - 16) {
    builder.Answer(ARecord(WireName::Pointer(owner_at), 60, "192.0.2.1"));
  }
  EXPECT_TRUE(Walk(builder.Build()).has_value());
}

TEST(ResponseWalkTest, LargeTxtRecordIsAccepted) {
  // The record is over the limit for ldns. That is no reason to reject it.
  Record txt{.owner = "example.com", .type = QType::kTxt};
  for (int i = 0; i < 100; ++i) {
    txt.rdata.push_back(255);
    txt.rdata.insert(txt.rdata.end(), 255, 'x');
  }
  EXPECT_TRUE(Walk(ForExampleCom().Answer(txt).Build()).has_value());
}

TEST(ResponseWalkTest, MessageFullOfTheSmallestRecordsIsAccepted) {
  MessageBuilder builder = ForExampleCom();
  for (int i = 0; i < 4000; ++i) builder.Answer(ARecord(WireName::Pointer(12), 60, "192.0.2.1"));
  const auto walked = Walk(builder.Build());
  ASSERT_TRUE(walked.has_value());
  EXPECT_EQ(walked->records.size(), 4000u);
}

TEST(ResponseWalkTest, MessageFullOfPointersToLongNamesIsMalformed) {
  std::string name;
  for (int i = 0; i < 127; ++i) name += "a.";
  const auto walk_with = [&name](int records) {
    MessageBuilder builder = MessageBuilder().Response().Question(name, QType::kA);
    const size_t begin = builder.offset();
    for (int i = 0; i < records; ++i) {
      builder.Answer(ARecord(WireName::Pointer(i % 2 == 0 ? 12 : 14), 1, "192.0.2.1"));
    }
    return WalkResponse(builder.Build(), begin).has_value();
  };
  EXPECT_TRUE(walk_with(1000));
  EXPECT_FALSE(walk_with(1050));
}

TEST(ResponseWalkTest, RrsigBelongsToTheTypeItCovers) {
  WireMessage rdata(18, 0);
  StoreU16(rdata.data(), static_cast<uint16_t>(QType::kAaaa));
  rdata = Concat({rdata, WireName("com").octets, WireMessage(8, 1)});
  const auto walked =
      Walk(ForExampleCom()
               .Answer({.owner = "example.com", .type = QType::kRrsig, .ttl = 60, .rdata = rdata})
               .Build());
  ASSERT_TRUE(walked.has_value());
  EXPECT_EQ(walked->records[0].type, QType::kRrsig);
  EXPECT_EQ(walked->records[0].covered, QType::kAaaa);
}

TEST(ResponseWalkTest, AllRecordsOfAnRrsetGetItsLowestTtl) {
  auto walked = Walk(ForExampleCom()
                         .Answer(ARecord("example.com", 600, "192.0.2.1"))
                         .Answer(ARecord("www.example.com", 700, "192.0.2.3"))
                         .Answer(ARecord("EXAMPLE.COM", 30, "192.0.2.2"))
                         .Build());
  ASSERT_TRUE(walked.has_value());
  LowerToRrsetTtls(walked->records);
  EXPECT_EQ(walked->records[0].ttl, 30u);
  EXPECT_EQ(walked->records[1].ttl, 700u);
  EXPECT_EQ(walked->records[2].ttl, 30u);
}

}  // namespace
}  // namespace dotcache
