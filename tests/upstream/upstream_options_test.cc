// SPDX-License-Identifier: Apache-2.0
#include "upstream/upstream_options.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

TEST(UpstreamOptionsTest, EveryPolicyIsParsedByItsName) {
  for (const SelectionPolicy policy :
       {SelectionPolicy::kBalanced, SelectionPolicy::kFastest, SelectionPolicy::kRoundRobin,
        SelectionPolicy::kRandom, SelectionPolicy::kSequential, SelectionPolicy::kWeighted,
        SelectionPolicy::kStickyHash}) {
    EXPECT_EQ(ParseSelectionPolicy(SelectionPolicyName(policy)), policy);
  }
  EXPECT_EQ(SelectionPolicyName(SelectionPolicy::kRoundRobin), "round-robin");
}

TEST(UpstreamOptionsTest, OtherWordsAreNoPolicy) {
  EXPECT_EQ(ParseSelectionPolicy(""), std::nullopt);
  EXPECT_EQ(ParseSelectionPolicy("Balanced"), std::nullopt);
  EXPECT_EQ(ParseSelectionPolicy("round_robin"), std::nullopt);
}

}  // namespace
}  // namespace dotcache
