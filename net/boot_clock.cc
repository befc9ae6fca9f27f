// SPDX-License-Identifier: Apache-2.0
#include "net/boot_clock.h"

#include <ctime>

namespace dotcache {

MonoTime BootTime() {
  timespec now{};
  // Every supported kernel has this clock. A sandbox may forbid it.
  if (clock_gettime(CLOCK_BOOTTIME, &now) != 0) return std::chrono::steady_clock::now();
  return MonoTime(Seconds(now.tv_sec) + Duration(now.tv_nsec));
}

Duration SuspendedTime() {
  const MonoTime awake = std::chrono::steady_clock::now();
  return BootTime() - awake;
}

Duration TimeSinceEpoch() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return Seconds(now.tv_sec) + Duration(now.tv_nsec);
}

int64_t UnixTime() { return time(nullptr); }

}  // namespace dotcache
