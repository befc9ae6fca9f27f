// SPDX-License-Identifier: Apache-2.0
#include "admin/limit_levels.h"

#include "gtest/gtest.h"
#include "tests/support/running_server.h"

namespace dotcache {
namespace {

TEST(LimitLevelsTest, BoundsAreThoseOfAllWorkersThatHaveTheLimit) {
  LoopbackDotServer upstream;
  ServerOptions options = TestServerOptions({&upstream});
  options.workers = 2;
  options.upstream_workers = 1;
  options.limits.max_pending_queries = 100;
  options.limits.max_pending_per_client = 50;
  options.limits.max_stream_connections = 10;
  RunningServer server(options);
  for (const LimitLevel& level : LimitLevels(server.server())) {
    EXPECT_LE(level.used, level.bound);
    if (level.limit == Limit::kPendingQueries) {
      EXPECT_EQ(level.bound, 100u);
    } else if (level.limit == Limit::kConnections) {
      EXPECT_EQ(level.bound, 20u);
    }
  }
  EXPECT_EQ(LimitLevels(server.server()).size(), 4u);
}

}  // namespace
}  // namespace dotcache
