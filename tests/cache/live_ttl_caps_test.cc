// SPDX-License-Identifier: Apache-2.0
#include "cache/live_ttl_caps.h"

#include <gtest/gtest.h>

namespace dotcache {
namespace {

TEST(LiveTtlCapsTest, EachBoundIsKept) {
  LiveTtlCaps caps({.positive = Seconds{604800}, .negative = Seconds{86400}, .floor = Seconds{3}});
  EXPECT_EQ(caps.Get().positive, Seconds{604800});
  EXPECT_EQ(caps.Get().negative, Seconds{86400});
  EXPECT_EQ(caps.Get().floor, Seconds{3});
  caps.Set({.positive = Seconds{1}, .negative = Seconds{0}, .floor = Seconds{3600}});
  EXPECT_EQ(caps.Get().positive, Seconds{1});
  EXPECT_EQ(caps.Get().negative, Seconds{0});
  EXPECT_EQ(caps.Get().floor, Seconds{3600});
}

TEST(LiveTtlCapsTest, ABoundBelowZeroOrAboveTheMaximumIsLimited) {
  const LiveTtlCaps caps(
      {.positive = Seconds::max(), .negative = Seconds{-1}, .floor = Seconds{0}});
  EXPECT_EQ(caps.Get().positive, Seconds{(1 << 21) - 1});
  EXPECT_EQ(caps.Get().negative, Seconds{0});
}

}  // namespace
}  // namespace dotcache
