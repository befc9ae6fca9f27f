// SPDX-License-Identifier: Apache-2.0
#include "cmd/did_you_mean.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

TEST(DidYouMeanTest, NamesTheNearestOrAll) {
  static constexpr absl::string_view kKnown[] = {"listen", "policy", "workers"};
  EXPECT_EQ(DidYouMean("worker", kKnown), "; did you mean `workers`?");
  EXPECT_EQ(DidYouMean("polcy", kKnown), "; did you mean `policy`?");
  EXPECT_EQ(DidYouMean("xyzzy", kKnown), "; known are listen, policy, workers");
  EXPECT_EQ(DidYouMean("", kKnown), "; known are listen, policy, workers");
}

}  // namespace
}  // namespace dotcache
