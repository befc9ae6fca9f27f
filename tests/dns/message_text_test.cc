// SPDX-License-Identifier: Apache-2.0
#include "dns/message_text.h"

#include <iterator>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/message_builder.h"

namespace dotcache {
namespace {

using testing::IsEmpty;

TEST(MessageTextTest, RecordsOfTheAnswerSectionAreLines) {
  const uint8_t address[] = {192, 0, 2, 1};
  WireMessage answer = MakeQuery("www.example.com", QType::kA);
  answer[2] |= 0x80;  // QR.
  answer[7] = 1;      // ANCOUNT.
  answer[11] = 0;     // Without OPT.
  answer.resize(kHeaderSize + 17 + 4);
  const uint8_t record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4};
  answer.insert(answer.end(), std::begin(record), std::end(record));
  answer.insert(answer.end(), std::begin(address), std::end(address));
  ASSERT_EQ(AnswerTexts(answer).size(), 1u);
  EXPECT_EQ(AnswerTexts(answer).front(), "www.example.com. 300 IN A 192.0.2.1");
}

TEST(MessageTextTest, BrokenMessageHasNoRecords) {
  EXPECT_THAT(AnswerTexts(WireMessage{1, 2, 3}), IsEmpty());
  EXPECT_THAT(AnswerTexts(MakeQuery("www.example.com", QType::kA)), IsEmpty());
}

TEST(MessageTextTest, TypesAreReadInAnyCase) {
  EXPECT_EQ(ParseQTypeName("aaaa"), QType::kAaaa);
  EXPECT_EQ(ParseQTypeName("A"), QType::kA);
  EXPECT_EQ(ParseQTypeName("TYPE65280"), static_cast<QType>(65280));
  EXPECT_EQ(ParseQTypeName("NOTYPE"), std::nullopt);
  EXPECT_EQ(ParseQTypeName(""), std::nullopt);
}

}  // namespace
}  // namespace dotcache
