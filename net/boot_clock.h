// SPDX-License-Identifier: Apache-2.0
// The system's clocks: a monotonic clock that also counts suspended time, and the calendar time.
#ifndef DOTCACHE_NET_BOOT_CLOCK_H_
#define DOTCACHE_NET_BOOT_CLOCK_H_

#include <cstdint>

#include "core/clock.h"

namespace dotcache {

// Time since boot, including the time in which the machine was suspended (CLOCK_BOOTTIME). dotcache
// uses this clock for all times. A TTL, a ticket and a deadline therefore also expire during a
// suspend. Safe from any thread. Costs the same as std::chrono::steady_clock, which does not count
// a suspend.
MonoTime BootTime();

// How far BootTime() is ahead of std::chrono::steady_clock. Only the difference of two results is
// meaningful: it is how long the machine was suspended between the two calls.
Duration SuspendedTime();

// The calendar time, as the time since 1970 (CLOCK_REALTIME).
Duration TimeSinceEpoch();

// Seconds since 1970. Used for dates that other machines wrote: in certificates and DNS cookies.
int64_t UnixTime();

}  // namespace dotcache

#endif  // DOTCACHE_NET_BOOT_CLOCK_H_
