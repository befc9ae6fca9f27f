// SPDX-License-Identifier: Apache-2.0
#include "core/counters.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

TEST(CounterTest, AddsAndSets) {
  Counter counter;
  counter.Add();
  counter.Add(5);
  EXPECT_EQ(counter.value(), 6u);
  counter.Set(9);
  EXPECT_EQ(counter.value(), 9u);
}

TEST(DurationHistogramTest, BoundsAreOneTwoFiveFromAMillisecondToTenSeconds) {
  EXPECT_EQ(DurationHistogram::kBoundsMs.front(), 1u);
  EXPECT_EQ(DurationHistogram::kBoundsMs.back(), 10'000u);
  for (size_t i = 1; i < DurationHistogram::kBoundsMs.size(); ++i) {
    const double step =
        static_cast<double>(DurationHistogram::kBoundsMs[i]) / DurationHistogram::kBoundsMs[i - 1];
    EXPECT_EQ(step, i % 3 == 2 ? 2.5 : 2.0) << i;
  }
}

TEST(DurationHistogramTest, ABoundBelongsToItsBucket) {
  for (size_t i = 0; i < DurationHistogram::kBoundsMs.size(); ++i) {
    const Duration bound = Milliseconds(DurationHistogram::kBoundsMs[i]);
    EXPECT_EQ(DurationHistogram::BucketOf(bound), i);
    EXPECT_EQ(DurationHistogram::BucketOf(bound + std::chrono::nanoseconds(1)), i + 1);
  }
  EXPECT_EQ(DurationHistogram::BucketOf(Duration::max()), DurationHistogram::kBucketCount - 1);
}

TEST(DurationHistogramTest, RecordsCountAndSum) {
  DurationHistogram histogram;
  histogram.Record(std::chrono::microseconds(1500));
  histogram.Record(std::chrono::microseconds(1500));
  histogram.Record(std::chrono::nanoseconds(1999));
  histogram.Record(Duration(-5));
  EXPECT_EQ(histogram.bucket(0), 2u);
  EXPECT_EQ(histogram.bucket(1), 2u);
  EXPECT_EQ(histogram.sum_us(), 3001u);
}

}  // namespace
}  // namespace dotcache
