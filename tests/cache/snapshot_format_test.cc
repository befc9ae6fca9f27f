// SPDX-License-Identifier: Apache-2.0
#include "cache/snapshot_format.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "tests/support/message_builder.h"

namespace dotcache {
namespace {

WireMessage Denial() {
  return MakeNegativeResponse("no.example", QType::kA, Rcode::kNxDomain,
                              SoaRecord("example", 300, 300));
}

// Makes the message one for all types.
WireMessage ForAllTypes(WireMessage message, QType denied) {
  StoreU16(message.data(), static_cast<uint16_t>(denied));
  StoreU16(message.data() + kHeaderSize + WireName("no.example").octets.size(), 0);
  return message;
}

TEST(SnapshotFormatTest, AHeaderReadsBackTheSame) {
  const std::vector<uint8_t> octets = FormatSnapshotHeader({1'700'000'000, 0x0102030405060708});
  ASSERT_EQ(octets.size(), SnapshotHeader::kSize);
  const auto header = ParseSnapshotHeader(octets);
  ASSERT_TRUE(header.ok()) << header.status();
  EXPECT_EQ(header->unix_seconds, 1'700'000'000);
  EXPECT_EQ(header->zones, 0x0102030405060708u);
}

TEST(SnapshotFormatTest, AnEntryReadsBackTheSame) {
  const WireMessage message = Denial();
  const SavedEntry entry = {.key_flags = 3,
                            .is_protected = true,
                            .for_all_types = true,
                            .zone = 0xfedcba98,
                            .fresh_for = Seconds{300},
                            .age = Seconds{70000},
                            .wire = message,
                            .upstream_error = ExtendedError{ExtendedErrorCode::kOther, "text"}};
  std::vector<uint8_t> block(3);
  AppendSavedEntry(block, entry);
  size_t position = 3;
  const std::optional<SavedEntry> read = ReadSavedEntry(block, position);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(position, block.size());
  EXPECT_EQ(read->key_flags, 3);
  EXPECT_TRUE(read->is_protected);
  EXPECT_TRUE(read->for_all_types);
  EXPECT_EQ(read->zone, 0xfedcba98u);
  EXPECT_EQ(read->fresh_for, Seconds{300});
  EXPECT_EQ(read->age, Seconds{70000});
  EXPECT_EQ(read->wire, Bytes(message));
  EXPECT_EQ(read->upstream_error, entry.upstream_error);
}

TEST(SnapshotFormatTest, UnknownBitsAndFlagsAreMalformed) {
  const WireMessage message = Denial();
  for (const size_t place : {2, 3}) {
    std::vector<uint8_t> block;
    AppendSavedEntry(block, {.wire = message});
    block[place] = 4;
    size_t position = 0;
    EXPECT_FALSE(ReadSavedEntry(block, position).has_value()) << place;
  }
}

TEST(SnapshotFormatTest, AnExtraTextWithControlOctetsIsMalformed) {
  std::vector<uint8_t> block;
  const WireMessage message = Denial();
  AppendSavedEntry(block, {.wire = message,
                           .upstream_error = ExtendedError{ExtendedErrorCode::kOther, "a\x1b[b"}});
  size_t position = 0;
  EXPECT_FALSE(ReadSavedEntry(block, position).has_value());
}

TEST(SnapshotFormatTest, AMessageIsValidatedAsAResponse) {
  const WireMessage good = Denial();
  EXPECT_TRUE(ValidateSaved({.wire = good}).has_value());
  WireMessage longer = good;
  longer.push_back(0);
  EXPECT_FALSE(ValidateSaved({.wire = longer}).has_value());
  EXPECT_FALSE(ValidateSaved({.wire = Bytes()}).has_value());
  const WireMessage failure =
      MessageBuilder().Response(Rcode::kServFail).Question("no.example", QType::kA).Build();
  EXPECT_FALSE(ValidateSaved({.wire = failure}).has_value());
}

TEST(SnapshotFormatTest, OnlyADenialIsForAllTypes) {
  const WireMessage denial = ForAllTypes(Denial(), QType::kA);
  const auto valid = ValidateSaved({.for_all_types = true, .wire = denial});
  ASSERT_TRUE(valid.has_value());
  EXPECT_EQ(valid->question.qtype, QType::kA);
  EXPECT_FALSE(ValidateSaved({.for_all_types = false, .wire = denial}).has_value());
  EXPECT_FALSE(ValidateSaved({.for_all_types = true, .wire = Denial()}).has_value());
  // A DS is data of another zone.
  const WireMessage ds = ForAllTypes(Denial(), QType::kDs);
  EXPECT_FALSE(ValidateSaved({.for_all_types = true, .wire = ds}).has_value());
  const WireMessage no_data =
      ForAllTypes(MakeNegativeResponse("no.example", QType::kA, Rcode::kNoError,
                                       SoaRecord("example", 300, 300)),
                  QType::kA);
  EXPECT_FALSE(ValidateSaved({.for_all_types = true, .wire = no_data}).has_value());
}

TEST(SnapshotFormatTest, ABlocksSumDependsOnItsFileAndItsNumber) {
  const std::vector<uint8_t> block = {0, 0, 0, 0, 0, 0, 0, 0};
  const SnapshotHeader header{1, 2};
  const uint64_t sum = BlockSum(header, 0, block);
  EXPECT_NE(sum, BlockSum(header, 1, block));
  EXPECT_NE(sum, BlockSum({2, 2}, 0, block));
}

}  // namespace
}  // namespace dotcache
