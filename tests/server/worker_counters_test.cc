#include "server/worker_counters.h"

#include "gtest/gtest.h"
#include "upstream/upstream_counters.h"

namespace dotcache {
namespace {

TEST(WorkerCountersTest, WorkersDoNotShareCacheLines) {
  EXPECT_EQ(alignof(WorkerCounters), 64u);
  EXPECT_EQ(sizeof(WorkerCounters) % 64, 0u);
  EXPECT_EQ(sizeof(UpstreamCounters) % 64, 0u);
}

}  // namespace
}  // namespace dotcache
