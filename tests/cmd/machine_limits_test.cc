// SPDX-License-Identifier: Apache-2.0
#include "cmd/machine_limits.h"

#include <string>

#include "gtest/gtest.h"
#include "tests/support/test_directory.h"

namespace dotcache {
namespace {

constexpr uint64_t kMiB = 1 << 20;

class MachineLimitsTest : public testing::Test {
 protected:
  MachineLimitsTest() { root_.Write("proc/meminfo", "MemTotal:  4194304 kB\nMemFree: 1 kB\n"); }

  // Puts the process into groups: the lines of /proc/self/cgroup.
  void InGroups(const std::string& lines) { root_.Write("proc/self/cgroup", lines); }
  void ExpectNoLimit() {
    EXPECT_EQ(Read().cpus, 8);
    EXPECT_FALSE(Read().memory_is_of_group);
  }
  void Expect(int cpus, uint64_t memory_bytes) {
    EXPECT_EQ(Read().cpus, cpus);
    EXPECT_EQ(Read().memory_bytes, memory_bytes);
  }
  void Set(const std::string& file, const std::string& text) {
    root_.Write("sys/fs/cgroup/" + file, text);
  }
  // The files of version 1, for a tenth of a second.
  void SetQuota(const std::string& folder, const std::string& microseconds) {
    Set(folder + "/cpu.cfs_quota_us", microseconds);
    Set(folder + "/cpu.cfs_period_us", "100000\n");
  }
  MachineLimits Read(int affinity = 8) { return ReadMachineLimits(affinity, root_.Path()); }

  TestDirectory root_;
};

TEST_F(MachineLimitsTest, WithoutGroupsTheMachineIsTheLimit) {
  Expect(8, 4096 * kMiB);
  EXPECT_FALSE(Read().memory_is_of_group);
  const TestDirectory empty;
  EXPECT_EQ(ReadMachineLimits(0, empty.Path()).cpus, 1);
  EXPECT_EQ(ReadMachineLimits(0, empty.Path()).memory_bytes, UINT64_MAX);
}

TEST_F(MachineLimitsTest, ContainerOfVersion2HasItsFilesAtTheMount) {
  InGroups("0::/\n");
  Set("cpu.max", "150000 100000\n");
  Set("memory.max", "67108864\n");
  Expect(2, 64 * kMiB);
  EXPECT_TRUE(Read().memory_is_of_group);
}

TEST_F(MachineLimitsTest, GroupsAboveCountToo) {
  InGroups("0::/system.slice/dotcache.service\n");
  const std::string above = "system.slice/";
  Set(above + "dotcache.service/cpu.max", "max 100000\n");
  Set(above + "dotcache.service/memory.max", "268435456\n");
  Set(above + "cpu.max", "300000 100000\n");
  Set(above + "memory.max", "134217728\n");
  Expect(3, 128 * kMiB);
}

TEST_F(MachineLimitsTest, MaxIsNoLimit) {
  InGroups("0::/a\n");
  Set("a/cpu.max", "max 100000\n");
  Set("a/memory.max", "max\n");
  ExpectNoLimit();
}

TEST_F(MachineLimitsTest, QuotaIsRoundedUpAndAffinityCounts) {
  InGroups("0::/\n");
  Set("cpu.max", "10000 100000\n");
  EXPECT_EQ(Read().cpus, 1);
  Set("cpu.max", "200000 100000\n");
  EXPECT_EQ(Read().cpus, 2);
  EXPECT_EQ(Read(/*affinity=*/1).cpus, 1);
}

TEST_F(MachineLimitsTest, GroupOfVersion1HasAMountForEachController) {
  InGroups("11:memory:/docker/c0\n4:cpu,cpuacct:/docker/c0\n2:cpuset:/\n1:name=systemd:/x\n");
  SetQuota("cpu,cpuacct/docker/c0", "200000\n");
  Set("memory/docker/c0/memory.limit_in_bytes", "33554432\n");
  Set("memory/memory.limit_in_bytes", "9223372036854771712\n");
  Expect(2, 32 * kMiB);
}

TEST_F(MachineLimitsTest, ContainerOfVersion1HasItsFilesAtTheMount) {
  InGroups("11:memory:/docker/c0\n4:cpu,cpuacct:/docker/c0\n");
  SetQuota("cpu,cpuacct", "-1\n");
  Set("memory/memory.limit_in_bytes", "33554432\n");
  Expect(8, 32 * kMiB);
}

TEST_F(MachineLimitsTest, BrokenFilesAreNoLimit) {
  InGroups("0\n::\n0::relative\n0::/a\n");
  Set("a/cpu.max", "1 0\n");
  Set("a/memory.max", "lots\n");
  ExpectNoLimit();
}

TEST_F(MachineLimitsTest, OwnLimitsAreThoseOfThisMachine) {
  const MachineLimits own = OwnMachineLimits();
  EXPECT_GE(own.cpus, 1);
  EXPECT_GT(own.memory_bytes, kMiB);
}

}  // namespace
}  // namespace dotcache
