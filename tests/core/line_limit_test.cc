// SPDX-License-Identifier: Apache-2.0
#include "core/line_limit.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

MonoTime At(int64_t seconds) { return MonoTime(Seconds{seconds}); }

TEST(LineLimitTest, AfterABurstOneLineInTenSecondsTellsHowManyWereLeftOut) {
  LineLimit limit;
  for (int i = 0; i < 4; ++i) EXPECT_EQ(limit.Take(At(100)), 0u) << i;
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(limit.Take(At(105)).has_value()) << i;
  EXPECT_EQ(limit.Take(At(110)), 5u);
  EXPECT_FALSE(limit.Take(At(111)).has_value());
  EXPECT_EQ(limit.Take(At(121)), 1u);
}

TEST(LineLimitTest, AfterAQuietTimeThereIsABurstAgain) {
  LineLimit limit;
  for (int i = 0; i < 5; ++i) limit.Take(At(100));
  EXPECT_EQ(limit.Take(At(1000)), 1u);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limit.Take(At(1000)), 0u) << i;
  EXPECT_FALSE(limit.Take(At(1000)).has_value());
}

}  // namespace
}  // namespace dotcache
