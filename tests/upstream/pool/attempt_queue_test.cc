// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/attempt_queue.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dotcache {
namespace {

TEST(AttemptQueueTest, TheFirstIsServedFirst) {
  AttemptQueue queue;
  for (AttemptId attempt = 1; attempt <= 4; ++attempt) queue.Add({attempt, {}, attempt == 2});
  EXPECT_EQ(queue.Take().attempt, 1u);
  EXPECT_TRUE(queue.first().alone);
  queue.Remove(3);
  queue.Remove(9);
  EXPECT_EQ(queue.size(), 2u);
  EXPECT_THAT(queue.TakeAll(), testing::ElementsAre(2, 4));
  EXPECT_TRUE(queue.empty());
}

TEST(AttemptQueueTest, TheEarliestThatMaySendMovesToTheFront) {
  AttemptQueue queue;
  for (AttemptId attempt = 1; attempt <= 4; ++attempt) queue.Add({attempt, {}, false});
  EXPECT_TRUE(queue.MoveToFront([](const auto& entry) { return entry.attempt >= 3; }));
  EXPECT_FALSE(queue.MoveToFront([](const auto& entry) { return entry.attempt > 4; }));
  EXPECT_THAT(queue.TakeAll(), testing::ElementsAre(3, 1, 2, 4));
}

TEST(AttemptQueueTest, ItsPlacesAreLimited) {
  AttemptQueue queue;
  for (size_t i = 0; i < AttemptQueue::kLimit; ++i) {
    EXPECT_FALSE(queue.full());
    queue.Add({});
  }
  EXPECT_TRUE(queue.full());
}

}  // namespace
}  // namespace dotcache
