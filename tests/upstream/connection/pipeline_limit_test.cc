// SPDX-License-Identifier: Apache-2.0
#include "upstream/connection/pipeline_limit.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

constexpr MonoTime kNow{Seconds(100)};

// Of each four queries of a kind, so many are overdue.
void Add(PipelineLimit& limit, int fours, int overdue_alone, int overdue_met_another) {
  for (int i = 0; i < fours * 4; ++i) {
    for (const bool met_another : {false, true}) {
      if (i % 4 < (met_another ? overdue_met_another : overdue_alone)) {
        limit.NoteOverdue(met_another, kNow);
      } else {
        limit.NoteAnswered(met_another);
      }
    }
  }
}

TEST(PipelineLimitTest, QueriesThatAreOverdueOnlyBesideOthersSetTheLimit) {
  PipelineLimit limit;
  EXPECT_FALSE(limit.IsOne(kNow));
  Add(limit, 20, 0, 2);
  EXPECT_TRUE(limit.IsOne(kNow));
  EXPECT_FALSE(limit.IsOne(kNow + Seconds(60)));
}

TEST(PipelineLimitTest, LossOfAnyQueriesDoesNot) {
  PipelineLimit limit;
  Add(limit, 1000, 2, 2);
  EXPECT_FALSE(limit.IsOne(kNow));
}

TEST(PipelineLimitTest, FewDoNot) {
  PipelineLimit limit;
  Add(limit, 7, 0, 1);
  EXPECT_FALSE(limit.IsOne(kNow));
}

TEST(PipelineLimitTest, WithoutQueriesOfTheOtherKindNothingIsKnown) {
  PipelineLimit limit;
  for (int i = 0; i < 1000; ++i) limit.NoteOverdue(/*met_another=*/true, kNow);
  EXPECT_FALSE(limit.IsOne(kNow));
}

}  // namespace
}  // namespace dotcache
