// SPDX-License-Identifier: Apache-2.0
#include "core/test_delay.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

// Other build types have no delays; tests/no_test_delays checks that of a release binary.
#ifdef DOTCACHE_TEST_DELAYS

namespace dotcache {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;

Milliseconds DelayOf(const std::array<Milliseconds, kSeamCount>& delays, Seam seam) {
  return delays[static_cast<size_t>(seam)];
}

std::string ErrorOf(absl::string_view text) {
  return std::string(ParseTestDelays(text).status().message());
}

TEST(TestDelayTest, NoValueMeansNoDelay) {
  const auto delays = ParseTestDelays("");
  ASSERT_TRUE(delays.ok());
  EXPECT_THAT(*delays, Each(Milliseconds{0}));
}

TEST(TestDelayTest, OneNumberAppliesToEverySeam) {
  const auto delays = ParseTestDelays("50");
  ASSERT_TRUE(delays.ok());
  EXPECT_THAT(*delays, Each(Milliseconds{50}));
}

TEST(TestDelayTest, NamedSeamHasItsOwnDelay) {
  const auto delays = ParseTestDelays("20,started:700,insert:0");
  ASSERT_TRUE(delays.ok());
  EXPECT_EQ(DelayOf(*delays, Seam::kStarted), Milliseconds{700});
  EXPECT_EQ(DelayOf(*delays, Seam::kCacheInsert), Milliseconds{0});
  EXPECT_EQ(DelayOf(*delays, Seam::kStop), Milliseconds{20});
}

TEST(TestDelayTest, UnknownSeamIsAnErrorThatListsTheKnownSeams) {
  EXPECT_THAT(ErrorOf("statred:700"), HasSubstr("bind, plan, start"));
}

TEST(TestDelayTest, TextThatIsNotANumberIsAnError) {
  for (const char* text : {"fast", "start:", "start:-1", "start:60001", "1,,2"}) {
    EXPECT_THAT(ErrorOf(text), HasSubstr("0 to 60000 milliseconds")) << text;
  }
}

}  // namespace
}  // namespace dotcache

#endif
