// SPDX-License-Identifier: Apache-2.0
#include "admin/status_report.h"

#include "gtest/gtest.h"
#include "tests/support/message_builder.h"
#include "tests/support/running_server.h"

namespace dotcache {
namespace {

constexpr char kName[] = "www.example.com";

TEST(StatusReportTest, CountsWhatTheServerHasDone) {
  LoopbackDotServer upstream;
  ServerOptions options = TestServerOptions({&upstream});
  options.workers = 2;
  RunningServer server(options);
  const WireMessage query = MakeQuery(kName, QType::kA);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(server.Ask(Transport::kUdp, query).empty());
  ASSERT_TRUE(server.WaitUntilReady());
  const StatusReport status = StatusOf(server.server());
  EXPECT_TRUE(status.ready);
  EXPECT_TRUE(status.last_reload_ok);
  EXPECT_EQ(status.queries, 3u);
  EXPECT_EQ(status.cache_misses, 1u);
  EXPECT_EQ(status.cache_hits, 2u);
  EXPECT_EQ(status.servfail, 0u);
  EXPECT_EQ(status.cache.entries, 1u);
  EXPECT_EQ(status.upstreams, 1u);
  EXPECT_EQ(status.upstreams_up, 1u);
  server.server().NoteReload(false);
  EXPECT_FALSE(StatusOf(server.server()).last_reload_ok);
}

}  // namespace
}  // namespace dotcache
