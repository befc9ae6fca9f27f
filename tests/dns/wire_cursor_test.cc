// SPDX-License-Identifier: Apache-2.0
#include "dns/wire_cursor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/message_builder.h"

namespace dotcache {
namespace {

using ::testing::ElementsAre;

// A message with the octets `body` after the header.
WireMessage MessageOf(const WireMessage& body) {
  WireMessage message(kHeaderSize, 0);
  message.insert(message.end(), body.begin(), body.end());
  return message;
}

WireCursor AtOffset(const WireMessage& message, size_t offset) {
  return WireCursor(message, offset, message.size());
}

// `count` labels "a", and the root's octet if `rooted`.
WireMessage Labels(int count, bool rooted) {
  WireMessage labels;
  for (int i = 0; i < count; ++i) labels.insert(labels.end(), {1, 'a'});
  if (rooted) labels.push_back(0);
  return labels;
}

// A root name at offset 12, followed by pointers that each lead to the previous one.
WireMessage PointerChain(int hops) {
  WireMessage message = MessageOf({0});
  uint16_t target = kHeaderSize;
  for (int i = 0; i < hops; ++i) {
    const uint16_t here = static_cast<uint16_t>(message.size());
    message.push_back(static_cast<uint8_t>(0xc0 | target >> 8));
    message.push_back(static_cast<uint8_t>(target));
    target = here;
  }
  return message;
}

TEST(WireCursorTest, ReadsNumbersBigEndianInOrder) {
  const WireMessage octets = {1, 2, 3, 4, 5, 6, 7};
  WireCursor cursor{Bytes(octets)};
  EXPECT_EQ(cursor.ReadU8(), 0x01);
  EXPECT_EQ(cursor.ReadU16(), 0x0203);
  EXPECT_EQ(cursor.ReadU32(), 0x04050607u);
  EXPECT_TRUE(cursor.AtEnd());
}

TEST(WireCursorTest, ReadPastTheEndFailsPermanentlyAndDoesNotMove) {
  const WireMessage octets = {1, 2, 3};
  WireCursor cursor{Bytes(octets)};
  EXPECT_EQ(cursor.ReadU32(), 0u);
  EXPECT_FALSE(cursor.ok());
  EXPECT_EQ(cursor.ReadU8(), 0);
  EXPECT_EQ(cursor.position(), 0u);
  cursor.Skip(3);
  EXPECT_FALSE(cursor.AtEnd());
}

TEST(WireCursorTest, StopsAtItsOwnEndBeforeTheMessageEnds) {
  const WireMessage octets = {1, 2, 3, 4};
  WireCursor cursor(octets, 1, 3);
  EXPECT_THAT(cursor.ReadBytes(2), ElementsAre(2, 3));
  EXPECT_TRUE(cursor.AtEnd());
  cursor.ReadU8();
  EXPECT_FALSE(cursor.ok());
}

TEST(WireCursorTest, BoundsOutsideTheMessageFailFromTheStart) {
  const WireMessage octets = {1, 2};
  EXPECT_FALSE(WireCursor(octets, 0, 3).ok());
  EXPECT_FALSE(WireCursor(octets, 2, 1).ok());
  EXPECT_TRUE(WireCursor(octets, 2, 2).AtEnd());
}

TEST(WireCursorTest, StringMustFit) {
  const WireMessage octets = {2, 'a', 'b', 3, 'c'};
  WireCursor cursor{Bytes(octets)};
  cursor.SkipString();
  EXPECT_EQ(cursor.position(), 3u);
  cursor.SkipString();
  EXPECT_FALSE(cursor.ok());
}

TEST(WireCursorTest, ReadsANameAndKeepsItsCase) {
  const WireMessage message = MessageOf(WireName("Www.Example.COM").octets);
  WireCursor cursor = AtOffset(message, kHeaderSize);
  EXPECT_EQ(cursor.ReadName().ToString(), "Www.Example.COM.");
  EXPECT_TRUE(cursor.AtEnd());
}

TEST(WireCursorTest, FollowsAPointerAndContinuesAfterIt) {
  WireMessage body = WireName("example.com").octets;
  const size_t second = kHeaderSize + body.size();
  for (uint8_t octet : WireName::Pointer(kHeaderSize, "www").octets) body.push_back(octet);
  body.push_back(0x77);
  const WireMessage message = MessageOf(body);
  WireCursor cursor = AtOffset(message, second);
  EXPECT_EQ(cursor.ReadName().ToString(), "www.example.com.");
  EXPECT_EQ(cursor.ReadU8(), 0x77);
  EXPECT_TRUE(cursor.AtEnd());
}

TEST(WireCursorTest, SkippingANameChecksAndMovesLikeReading) {
  WireMessage body = WireName("example.com").octets;
  const size_t second = kHeaderSize + body.size();
  for (uint8_t octet : WireName::Pointer(kHeaderSize).octets) body.push_back(octet);
  const WireMessage message = MessageOf(body);
  WireCursor cursor = AtOffset(message, second);
  EXPECT_EQ(cursor.SkipName(), second - kHeaderSize);
  EXPECT_TRUE(cursor.AtEnd());
}

TEST(WireCursorTest, NameMayHave255OctetsButNot256) {
  WireMessage message = MessageOf(Labels(127, /*rooted=*/true));
  WireCursor fits = AtOffset(message, kHeaderSize);
  EXPECT_EQ(fits.ReadName().size(), 255u);
  EXPECT_TRUE(fits.ok());
  message = MessageOf(Concat({WireMessage{2, 'b', 'b'}, Labels(126, /*rooted=*/true)}));
  WireCursor too_long = AtOffset(message, kHeaderSize);
  too_long.ReadName();
  EXPECT_FALSE(too_long.ok());
}

TEST(WireCursorTest, NameThatPointersMakeTooLongFails) {
  WireMessage body = Labels(127, /*rooted=*/true);
  const size_t second = kHeaderSize + body.size();
  for (uint8_t octet : WireName::Pointer(kHeaderSize, "b").octets) body.push_back(octet);
  const WireMessage message = MessageOf(body);
  WireCursor cursor = AtOffset(message, second);
  EXPECT_EQ(cursor.ReadName(), DomainName());
  EXPECT_FALSE(cursor.ok());
}

TEST(WireCursorTest, PointersMustLeadBackwards) {
  const struct {
    const char* what;
    WireMessage body;
    size_t offset;
  } kCases[] = {
      {"itself", {0xc0, 12}, 12},         {"its own first label", {1, 'a', 0xc0, 12}, 12},
      {"forward", {0xc0, 14, 0}, 12},     {"the header", {0xc0, 11}, 12},
      {"past the end", {0xc1, 0xff}, 12}, {"two in a loop", {0xc0, 14, 0xc0, 12}, 14},
      {"half a pointer", {0, 0xc0}, 13},
  };
  for (const auto& test : kCases) {
    const WireMessage message = MessageOf(test.body);
    WireCursor cursor = AtOffset(message, test.offset);
    cursor.ReadName();
    EXPECT_FALSE(cursor.ok()) << test.what;
  }
}

TEST(WireCursorTest, LabelsAtAPointersTargetEndBeforeThePointingName) {
  // The label of three octets at 12 reaches into the name at 14, which points to it.
  const WireMessage message = MessageOf({3, 'a', 0xc0, 12, 0});
  WireCursor cursor = AtOffset(message, 14);
  cursor.ReadName();
  EXPECT_FALSE(cursor.ok());
}

TEST(WireCursorTest, ChainOfPointersIsFollowedUpToTheLimit) {
  WireMessage message = PointerChain(kMaxPointerHops);
  WireCursor within = AtOffset(message, message.size() - 2);
  EXPECT_EQ(within.ReadName(), DomainName());
  EXPECT_TRUE(within.ok());
  message = PointerChain(kMaxPointerHops + 1);
  WireCursor beyond = AtOffset(message, message.size() - 2);
  beyond.ReadName();
  EXPECT_FALSE(beyond.ok());
}

TEST(WireCursorTest, WithMessageNamesPointersLeadOnlyToLabelsReadBefore) {
  WireMessage body = WireName("example.com").octets;
  const size_t number = kHeaderSize + body.size();
  body.insert(body.end(), {1, 'x', 0});  // Not a name.
  const size_t second = kHeaderSize + body.size();
  const auto ends_well = [&](uint16_t target) {
    WireMessage message = MessageOf(body);
    for (uint8_t octet : WireName::Pointer(target, "www").octets) message.push_back(octet);
    MessageNames names;
    WireCursor(message, kHeaderSize, number, &names).SkipName();
    WireCursor cursor(message, second, message.size(), &names);
    cursor.SkipName();
    return cursor.AtEnd();
  };
  EXPECT_TRUE(ends_well(12));   // "example.com"
  EXPECT_TRUE(ends_well(20));   // "com"
  EXPECT_FALSE(ends_well(13));  // Inside a label.
  EXPECT_FALSE(ends_well(static_cast<uint16_t>(number)));
}

TEST(WireCursorTest, NamesOfAMessageHaveASizeLimit) {
  const WireMessage message = MessageOf(Labels(127, /*rooted=*/true));
  MessageNames names;
  size_t octets = 0;
  for (; octets + 255 <= kMaxNameOctets; octets += 255) {
    WireCursor cursor(message, kHeaderSize, message.size(), &names);
    cursor.SkipName();
    ASSERT_TRUE(cursor.ok()) << octets;
  }
  WireCursor cursor(message, kHeaderSize, message.size(), &names);
  cursor.SkipName();
  EXPECT_FALSE(cursor.ok());
}

TEST(WireCursorTest, ReservedLabelTypesFail) {
  for (const uint8_t type : {uint8_t{0x40}, uint8_t{0x80}}) {
    const WireMessage message = MessageOf({type, 'a', 0});
    WireCursor cursor = AtOffset(message, kHeaderSize);
    cursor.SkipName();
    EXPECT_FALSE(cursor.ok());
  }
}

TEST(WireCursorTest, NameWithoutItsEndFails) {
  for (const WireMessage& body : {WireMessage{}, WireMessage{3, 'a'}, WireMessage{1, 'a'}}) {
    const WireMessage message = MessageOf(body);
    WireCursor cursor = AtOffset(message, kHeaderSize);
    cursor.SkipName();
    EXPECT_FALSE(cursor.ok());
  }
}

TEST(WireCursorTest, NameMustEndInsideTheBoundsOfTheCursor) {
  const WireMessage message = MessageOf(WireName("example.com").octets);
  WireCursor cursor(message, kHeaderSize, message.size() - 1);
  cursor.ReadName();
  EXPECT_FALSE(cursor.ok());
}

}  // namespace
}  // namespace dotcache
