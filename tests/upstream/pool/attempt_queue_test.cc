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

// An attempt for a query of this client.
AttemptQueue::Entry Of(uint64_t client) {
  AttemptQueue::Entry entry;
  entry.query.client = client;
  return entry;
}

TEST(AttemptQueueTest, ItsPlacesAreLimited) {
  AttemptQueue queue;
  for (size_t i = 0; i < AttemptQueue::kLimit; ++i) {
    EXPECT_TRUE(queue.HasRoomFor(0));
    queue.Add({});
  }
  EXPECT_FALSE(queue.HasRoomFor(0));
  EXPECT_FALSE(queue.HasRoomFor(5));
}

TEST(AttemptQueueTest, OneClientLeavesPlacesToOthers) {
  AttemptQueue queue;
  while (queue.HasRoomFor(5)) queue.Add(Of(5));
  EXPECT_EQ(queue.size(), AttemptQueue::kLimit * 3 / 4);
  while (queue.HasRoomFor(6)) queue.Add(Of(6));
  EXPECT_GT(queue.size(), AttemptQueue::kLimit * 9 / 10);
  EXPECT_FALSE(queue.HasRoomFor(5));
  EXPECT_TRUE(queue.HasRoomFor(8));
}

}  // namespace
}  // namespace dotcache
