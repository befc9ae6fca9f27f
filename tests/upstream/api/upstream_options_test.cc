// SPDX-License-Identifier: Apache-2.0
#include "upstream/api/upstream_options.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

TEST(UpstreamOptionsTest, EveryPolicyHasAName) {
  EXPECT_EQ(SelectionPolicyName(SelectionPolicy::kBalanced), "balanced");
  EXPECT_EQ(SelectionPolicyName(SelectionPolicy::kFastest), "fastest");
  EXPECT_EQ(SelectionPolicyName(SelectionPolicy::kRoundRobin), "round-robin");
  EXPECT_EQ(SelectionPolicyName(SelectionPolicy::kRandom), "random");
  EXPECT_EQ(SelectionPolicyName(SelectionPolicy::kSequential), "sequential");
  EXPECT_EQ(SelectionPolicyName(SelectionPolicy::kWeighted), "weighted");
  EXPECT_EQ(SelectionPolicyName(SelectionPolicy::kStickyHash), "sticky-hash");
}

}  // namespace
}  // namespace dotcache
