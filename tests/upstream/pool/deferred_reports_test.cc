// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/deferred_reports.h"

#include <numeric>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/simulated_loop.h"

namespace dotcache {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class DeferredReportsTest : public testing::Test {
 protected:
  SimulatedLoop loop_;
  std::vector<DeferredReports::Batch> told_;
  DeferredReports reports_{loop_, [this](const auto& batch) { told_.push_back(batch); }};
};

TEST_F(DeferredReportsTest, NothingIsToldInsideTheCall) {
  reports_.AddLost({1, 2});
  reports_.AddUnconnected({3});
  reports_.SetDistrusted({4});
  EXPECT_THAT(told_, IsEmpty());
  loop_.Advance(Duration::zero());
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_THAT(told_[0].lost, ElementsAre(1, 2));
  EXPECT_THAT(told_[0].unconnected, ElementsAre(3));
  EXPECT_THAT(told_[0].distrusted, ElementsAre(4));
  loop_.Advance(Seconds(1));
  EXPECT_EQ(told_.size(), 1u);
}

TEST_F(DeferredReportsTest, WhatIsForgottenIsNotTold) {
  reports_.AddLost({1, 2});
  reports_.AddUnconnected({3, 4});
  reports_.Forget(1);
  reports_.Forget(4);
  loop_.Advance(Duration::zero());
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_THAT(told_[0].lost, ElementsAre(2));
  EXPECT_THAT(told_[0].unconnected, ElementsAre(3));
}

TEST_F(DeferredReportsTest, ThousandsAreToldInSeveralTurns) {
  std::vector<AttemptId> many(600);
  std::iota(many.begin(), many.end(), 1);
  reports_.AddLost(many);
  loop_.Advance(Seconds(1));
  ASSERT_EQ(told_.size(), 3u);
  EXPECT_EQ(told_[0].lost.size(), 256u);
  EXPECT_EQ(told_[2].lost.back(), 600u);
}

TEST_F(DeferredReportsTest, ASecondChangeOfTheNetworkReplacesTheFirstOnesAttempts) {
  reports_.SetDistrusted({1});
  reports_.SetDistrusted({2});
  loop_.Advance(Duration::zero());
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_THAT(told_[0].distrusted, ElementsAre(2));
}

}  // namespace
}  // namespace dotcache
