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

TEST(DurationHistogramTest, EveryDurationIsWithinTheBoundsOfItsBucket) {
  const uint64_t last_bound = DurationHistogram::UpperBoundUs(DurationHistogram::kBucketCount - 1);
  for (uint64_t us = 0; us < last_bound; us += 1 + us / 7) {
    const int bucket = static_cast<int>(DurationHistogram::BucketOf(us));
    EXPECT_LT(us, DurationHistogram::UpperBoundUs(bucket)) << us;
    if (bucket > 0) {
      EXPECT_GE(us, DurationHistogram::UpperBoundUs(bucket - 1)) << us;
    }
  }
}

TEST(DurationHistogramTest, BoundsAndBucketsAgreeAtEveryEdge) {
  for (int bucket = 0; bucket + 1 < DurationHistogram::kBucketCount; ++bucket) {
    const uint64_t bound = DurationHistogram::UpperBoundUs(bucket);
    EXPECT_EQ(DurationHistogram::BucketOf(bound - 1), static_cast<size_t>(bucket));
    EXPECT_EQ(DurationHistogram::BucketOf(bound), static_cast<size_t>(bucket + 1));
  }
}

TEST(DurationHistogramTest, LastBucketTakesAllLongerDurations) {
  EXPECT_EQ(DurationHistogram::BucketOf(UINT64_MAX),
            static_cast<size_t>(DurationHistogram::kBucketCount - 1));
  EXPECT_GE(DurationHistogram::UpperBoundUs(DurationHistogram::kBucketCount - 1), 60'000'000u);
}

TEST(DurationHistogramTest, RecordsCountAndSum) {
  DurationHistogram histogram;
  histogram.Record(std::chrono::microseconds(3));
  histogram.Record(std::chrono::microseconds(3));
  histogram.Record(std::chrono::nanoseconds(1999));
  histogram.Record(Duration(-5));
  EXPECT_EQ(histogram.bucket(3), 2u);
  EXPECT_EQ(histogram.bucket(1), 1u);
  EXPECT_EQ(histogram.bucket(0), 1u);
  EXPECT_EQ(histogram.sum_us(), 7u);
}

}  // namespace
}  // namespace dotcache
