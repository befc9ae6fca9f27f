// SPDX-License-Identifier: Apache-2.0
#include "answer/worker_counters.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "upstream/api/upstream_counters.h"

namespace dotcache {
namespace {

TEST(WorkerCountersTest, WorkersDoNotShareCacheLines) {
  EXPECT_EQ(alignof(WorkerCounters), 64u);
  EXPECT_EQ(sizeof(WorkerCounters) % 64, 0u);
  EXPECT_EQ(sizeof(UpstreamCounters) % 64, 0u);
}

TEST(WorkerCountersTest, EachLimitHasAName) {
  std::vector<std::string> names;
  for (int i = 0; i < kLimitCount; ++i) names.emplace_back(LimitName(static_cast<Limit>(i)));
  EXPECT_THAT(
      names, testing::ElementsAre("pending-queries", "waiters-per-query", "per-client", "waiters",
                                  "upstream", "connections", "connections-per-client", "handshakes",
                                  "unread", "unfinished", "hand-off", "client-rate"));
  EXPECT_EQ(LimitName(Limit::kPerClient), "per-client");
  EXPECT_EQ(LimitName(Limit::kConnections), "connections");
  EXPECT_EQ(LimitName(Limit::kUnfinished), "unfinished");
}

}  // namespace
}  // namespace dotcache
