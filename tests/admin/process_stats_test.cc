// SPDX-License-Identifier: Apache-2.0
#include "admin/process_stats.h"

#include <fcntl.h>

#include "gtest/gtest.h"
#include "net/boot_clock.h"
#include "net/unique_fd.h"

namespace dotcache {
namespace {

TEST(ProcessStatsTest, DescriptorsAreCounted) {
  const uint64_t before = ReadProcessStats().open_descriptors;
  const UniqueFd first(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const UniqueFd second(fcntl(first.get(), F_DUPFD_CLOEXEC, 300));
  EXPECT_EQ(ReadProcessStats().open_descriptors, before + 2);
  EXPECT_EQ(CountOpenDescriptors(301) - CountOpenDescriptors(300), 1u);
}

TEST(ProcessStatsTest, ValuesAreOfThisProcess) {
  const ProcessStats stats = ReadProcessStats();
  EXPECT_GT(stats.resident_bytes, 1u << 20);
  EXPECT_GE(stats.virtual_bytes, stats.resident_bytes);
  EXPECT_GT(stats.cpu_seconds, 0);
  EXPECT_GE(stats.max_descriptors, stats.open_descriptors);
  EXPECT_LE(static_cast<int64_t>(stats.start_time), UnixTime() + 1);
  EXPECT_GT(static_cast<int64_t>(stats.start_time), UnixTime() - 24 * 3600);
  EXPECT_EQ(ReadProcessStats().start_time, stats.start_time);
}

TEST(ProcessStatsTest, ANumberFollowsItsKey) {
  EXPECT_EQ(NumberAfter("Name:\tFDSize: 3\nFDSize:\t256\n", "FDSize:"), 256u);
  EXPECT_EQ(NumberAfter("Name:\tx\n", "FDSize:"), 0u);
}

}  // namespace
}  // namespace dotcache
