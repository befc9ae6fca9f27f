// SPDX-License-Identifier: Apache-2.0
#include "net/boot_clock.h"

#include <gtest/gtest.h>

#include <ctime>

namespace dotcache {
namespace {

MonoTime Read(clockid_t id) {
  timespec now{};
  EXPECT_EQ(clock_gettime(id, &now), 0);
  return MonoTime(Seconds(now.tv_sec) + Duration(now.tv_nsec));
}

TEST(BootClockTest, BootTimeIncludesSuspendedTime) {
  const MonoTime before = Read(CLOCK_BOOTTIME);
  const MonoTime now = BootTime();
  EXPECT_GE(now, before);
  EXPECT_LE(now, Read(CLOCK_BOOTTIME));
}

TEST(BootClockTest, SuspendedTimeIsTheDifferenceOfBothClocks) {
  const MonoTime boot_before = Read(CLOCK_BOOTTIME);
  const MonoTime awake_before = Read(CLOCK_MONOTONIC);
  const Duration suspended = SuspendedTime();
  EXPECT_GE(suspended, boot_before - Read(CLOCK_MONOTONIC));
  EXPECT_LE(suspended, Read(CLOCK_BOOTTIME) - awake_before);
}

TEST(BootClockTest, UnixTimeIsTheCalendarTime) {
  const int64_t before = time(nullptr);
  const int64_t now = UnixTime();
  EXPECT_GE(now, before);
  EXPECT_LE(now, time(nullptr));
}

}  // namespace
}  // namespace dotcache
