// SPDX-License-Identifier: Apache-2.0
#include "cmd/descriptor_limit.h"

#include <sys/resource.h>

#include <filesystem>

#include "gtest/gtest.h"
#include "net/network_watch.h"
#include "net/uv_loop.h"

namespace dotcache {
namespace {

ServerOptions Options() {
  ServerOptions options;
  options.workers = 2;
  options.limits.max_stream_connections = 1000;
  options.upstream.zones.emplace_back();
  options.upstream.zones[0].servers.resize(3);
  return options;
}

TEST(DescriptorLimitTest, EnoughDescriptorsLeaveTheConnectionsAsConfigured) {
  ServerOptions options = Options();
  FitConnections(DescriptorsNeeded(options), options);
  EXPECT_EQ(options.limits.max_stream_connections, 1000);
}

TEST(DescriptorLimitTest, TooFewDescriptorsLowerTheConnectionsAndNothingElse) {
  ServerOptions options = Options();
  FitConnections(DescriptorsNeeded(options) - 1, options);
  EXPECT_EQ(options.limits.max_stream_connections, 999);
  EXPECT_LE(DescriptorsNeeded(options), DescriptorsNeeded(Options()) - 1);
}

TEST(DescriptorLimitTest, OneConnectionIsAlwaysLeft) {
  ServerOptions options = Options();
  FitConnections(0, options);
  EXPECT_EQ(options.limits.max_stream_connections, 1);
}

TEST(DescriptorLimitTest, AServerOverUdpNeedsASocketForEachQuery) {
  ServerOptions options = Options();
  const uint64_t before = DescriptorsNeeded(options);
  options.upstream.zones[0].servers[0].transport = Transport::kUdp;
  EXPECT_EQ(DescriptorsNeeded(options),
            before + 5 * 64);  // One of the two workers queries servers.
}

size_t OpenDescriptors() {
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    static_cast<void>(entry);
    ++count;
  }
  return count;
}

TEST(DescriptorLimitTest, TheDescriptorsOfAnEventLoopAreCounted) {
  ServerOptions options;
  options.upstream.zones.clear();
  options.listen.clear();
  options.limits.max_stream_connections = 0;
  options.workers = 1;
  const uint64_t one = DescriptorsNeeded(options);
  options.workers = 2;
  const size_t before = OpenDescriptors();
  UvLoop loop;
  const auto watch =
      NetworkWatch::Open(loop, {*Endpoint::Parse("127.0.0.1:853")}, {}, [](const auto&) {});
  if (!watch.ok()) GTEST_SKIP() << watch.status().message();
  loop.RunOnce();
  EXPECT_LE(OpenDescriptors() - before, DescriptorsNeeded(options) - one);
}

TEST(DescriptorLimitTest, TheSoftLimitIsRaisedToTheHardOne) {
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit lowered = before;
  lowered.rlim_cur = std::min<rlim_t>(before.rlim_cur, 256);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &lowered), 0);
  ServerOptions options = Options();
  FitConnectionsToDescriptors(options);
  rlimit after = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &after), 0);
  EXPECT_EQ(after.rlim_cur, before.rlim_max);
  setrlimit(RLIMIT_NOFILE, &before);
}

}  // namespace
}  // namespace dotcache
