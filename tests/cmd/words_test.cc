// SPDX-License-Identifier: Apache-2.0
#include "cmd/words.h"

#include "gmock/gmock.h"

namespace dotcache {
namespace {

TEST(WordsTest, WordsAreReadWithoutRegardToCase) {
  EXPECT_EQ(*ParseWord("Round-Robin", kPolicyWords), SelectionPolicy::kRoundRobin);
  EXPECT_EQ(*ParseWord("required", kCookieWords), CookieMode::kRequired);
  EXPECT_EQ(*ParseWord("minimal", kMinimalAnyWords), true);
  EXPECT_EQ(*ParseWord("debug", kLogLevelWords), LogLevel::kDebug);
}

TEST(WordsTest, OtherYamlSwitchWordsStandForOnAndOff) {
  for (absl::string_view word : {"on", "true", "yes", "YES"}) {
    EXPECT_TRUE(*ParseWord(word, kSwitchWords)) << word;
  }
  for (absl::string_view word : {"off", "false", "no"}) {
    EXPECT_EQ(*ParseWord(word, kCookieWords), CookieMode::kOff) << word;
  }
  EXPECT_FALSE(ParseWord("on", kLogLevelWords).ok());
}

TEST(WordsTest, AnErrorListsTheWords) {
  const auto error = [](absl::string_view text, const auto& words) {
    return std::string(ParseWord(text, words).status().message());
  };
  EXPECT_EQ(error("perhaps", kSwitchWords), "\"perhaps\" is not on or off");
  EXPECT_EQ(error("maybe", kCookieWords), "\"maybe\" is not one of on, off or required");
  EXPECT_EQ(error("", kMinimalAnyWords), "is empty; write forward or minimal");
}

}  // namespace
}  // namespace dotcache
