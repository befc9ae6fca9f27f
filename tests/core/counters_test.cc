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
  constexpr auto kBounds = DurationHistogram::kBounds;
  EXPECT_EQ(kBounds.front(), 1'000u);
  EXPECT_EQ(kBounds.back(), 10'000'000u);
  for (size_t i = 1; i < kBounds.size(); ++i) {
    const double step = static_cast<double>(kBounds[i]) / static_cast<double>(kBounds[i - 1]);
    EXPECT_EQ(step, i % 3 == 2 ? 2.5 : 2.0) << i;
  }
}

TEST(DurationHistogramTest, ABoundBelongsToItsBucket) {
  for (size_t i = 0; i < DurationHistogram::kBounds.size(); ++i) {
    const Duration bound = std::chrono::microseconds(DurationHistogram::kBounds[i]);
    DurationHistogram histogram;
    histogram.Record(bound);
    EXPECT_EQ(histogram.bucket(i), 1u);
    histogram.Record(bound + std::chrono::nanoseconds(1));
    EXPECT_EQ(histogram.bucket(i + 1), 1u);
  }
  EXPECT_EQ(DurationHistogram::BucketOf(DurationHistogram::MicrosecondsOf(Duration::max())),
            DurationHistogram::kBucketCount - 1);
}

TEST(DurationHistogramTest, RecordsCountAndSum) {
  DurationHistogram histogram;
  histogram.Record(std::chrono::microseconds(1500));
  histogram.Record(std::chrono::microseconds(1500));
  histogram.Record(std::chrono::nanoseconds(999));
  histogram.Record(Duration(-5));
  EXPECT_EQ(histogram.bucket(0), 2u);
  EXPECT_EQ(histogram.bucket(1), 2u);
  EXPECT_EQ(histogram.sum(), 3001u);
}

TEST(SizeHistogramTest, CountsEqualValuesTogether) {
  SizeHistogram histogram;
  histogram.Count(128, 3);
  histogram.Count(5000);
  EXPECT_EQ(histogram.bucket(0), 3u);
  EXPECT_EQ(histogram.bucket(SizeHistogram::kBucketCount - 1), 1u);
  EXPECT_EQ(histogram.sum(), 3u * 128 + 5000);
}

}  // namespace
}  // namespace dotcache
