// SPDX-License-Identifier: Apache-2.0
#include "answer/reply_times.h"

#include "gtest/gtest.h"
#include "tests/support/simulated_loop.h"

namespace dotcache {
namespace {

uint64_t Total(const QueryTimeHistogram& times) {
  uint64_t total = 0;
  for (size_t i = 0; i < QueryTimeHistogram::kBucketCount; ++i) total += times.bucket(i);
  return total;
}

TEST(ReplyTimesTest, RepliesOfOneTurnAreRecordedAtItsEnd) {
  SimulatedLoop loop;
  QueryTimeHistogram times;
  ReplyTimes reply_times(loop, times);
  reply_times.Note();
  reply_times.Note();
  EXPECT_EQ(Total(times), 0u);
  loop.RunUntilIdle();
  EXPECT_EQ(Total(times), 2u);
}

TEST(ReplyTimesTest, TurnsWithinTheIntervalAreRecordedWithTheNextMeasurement) {
  SimulatedLoop loop;
  QueryTimeHistogram times;
  ReplyTimes reply_times(loop, times);
  reply_times.Note();
  loop.RunUntilIdle();
  reply_times.Note();
  loop.RunUntilIdle();
  EXPECT_EQ(Total(times), 1u);
  loop.Advance(ReplyTimes::kInterval);
  reply_times.Note();
  loop.RunUntilIdle();
  EXPECT_EQ(Total(times), 3u);
}

}  // namespace
}  // namespace dotcache
