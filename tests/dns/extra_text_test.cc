// SPDX-License-Identifier: Apache-2.0
#include "dns/extra_text.h"

#include <gtest/gtest.h>

#include <string>

namespace dotcache {
namespace {

std::string Clean(absl::string_view text) {
  return CleanExtraText(Bytes(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
}

TEST(ExtraTextTest, Utf8IsKept) {
  // One character each of one to four octets, and the last ones of Unicode (RFC 3629 section 4).
  for (const char* text :
       {"", "blocked by policy", "gef\xc3\xa4hrlich", "\xe2\x82\xac", "\xf0\x9f\x9a\xab",
        "\xed\x9f\xbf", "\xee\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_EQ(Clean(text), text);
  }
}

TEST(ExtraTextTest, OtherOctetsRemoveTheText) {
  for (const char* text :
       {"\x80", "a\xff", "\xc3", "\xc3(", "\xe2\x82", "\xf0\x9f\x9a", "\xf5\x80\x80\x80",
        "\xc0\xaf", "\xc1\xbf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf",  // Overlong forms.
        "\xed\xa0\x80", "\xf4\x90\x80\x80",                          // Surrogate, over U+10FFFF.
        "line\nbreak", "\x1b[31m", "\x7f", "\xc2\x85"}) {            // Controls.
    EXPECT_EQ(Clean(text), "");
  }
}

// RFC 8914 section 2: the text may end in a null octet.
TEST(ExtraTextTest, ZerosAtTheEndAreRemoved) {
  EXPECT_EQ(Clean(absl::string_view("text\0\0", 6)), "text");
  EXPECT_EQ(Clean(absl::string_view("te\0xt", 5)), "");
  EXPECT_EQ(Clean(absl::string_view("\0", 1)), "");
}

TEST(ExtraTextTest, LongTextsEndAfterAWholeCharacter) {
  EXPECT_EQ(Clean(std::string(300, 'x')), std::string(128, 'x'));
  EXPECT_EQ(Clean(std::string(127, 'x') + "\xc3\xa4"), std::string(127, 'x'));
  EXPECT_EQ(Clean(std::string(126, 'x') + "\xc3\xa4"), std::string(126, 'x') + "\xc3\xa4");
}

TEST(ExtraTextTest, FirstCharactersAreWhole) {
  const std::string text =
      "a\xe2\x82\xac"
      "b";
  const size_t kept[] = {0, 1, 1, 1, 4, 5, 5};
  for (size_t size = 0; size < std::size(kept); ++size) {
    EXPECT_EQ(FirstCharacters(text, size), text.substr(0, kept[size]));
  }
}

}  // namespace
}  // namespace dotcache
