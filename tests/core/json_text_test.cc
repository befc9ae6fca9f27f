// SPDX-License-Identifier: Apache-2.0
#include "core/json_text.h"

#include <string>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace dotcache {
namespace {

std::string Json(absl::string_view text) {
  std::string out;
  AppendJsonText(text, out);
  return out;
}

TEST(JsonTextTest, QuotesBackslashesAndControlCharactersAreEscaped) {
  EXPECT_EQ(Json("plain"), "\"plain\"");
  EXPECT_EQ(Json("a\"b\\c"), "\"a\\\"b\\\\c\"");
  EXPECT_EQ(Json(absl::string_view("a\n\x1b\x7f\0b", 6)), "\"a\\u000a\\u001b\\u007f\\u0000b\"");
}

TEST(JsonTextTest, CharactersOfUtf8StayAsTheyAre) {
  EXPECT_EQ(Json("\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80"),
            "\"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80\"");
}

TEST(JsonTextTest, OctetsThatAreNotUtf8AreReplaced) {
  EXPECT_EQ(Json("a\xff"), "\"a\\ufffd\"");
  EXPECT_EQ(Json("\xc0\xaf"), "\"\\ufffd\\ufffd\"");                        // Overlong.
  EXPECT_EQ(Json("\xed\xa0\x80"), "\"\\ufffd\\ufffd\\ufffd\"");             // A surrogate.
  EXPECT_EQ(Json("\xf4\x90\x80\x80"), "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");  // Above U+10FFFF.
  EXPECT_EQ(Json("\xe2\x82"), "\"\\ufffd\\ufffd\"");                        // Cut.
  EXPECT_EQ(Json("\xe2\x82\"x"), "\"\\ufffd\\ufffd\\\"x\"");
}

}  // namespace
}  // namespace dotcache
