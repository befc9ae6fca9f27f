// SPDX-License-Identifier: Apache-2.0
// The clock that goes on while the machine sleeps.
#ifndef DOTCACHE_NET_BOOT_CLOCK_H_
#define DOTCACHE_NET_BOOT_CLOCK_H_

#include "core/clock.h"

namespace dotcache {

// Time since boot, the time of suspend included (CLOCK_BOOTTIME): by it everything is dated, so
// that a TTL, a ticket and a deadline are over when they are over for the rest of the world, too.
// Safe from any thread; costs what std::chrono::steady_clock does, which stands still in suspend.
MonoTime BootTime();

// How far that clock is ahead of the one that stands still. Only differences mean something: by how
// much it grew is how long the machine was suspended.
Duration SuspendedTime();

}  // namespace dotcache

#endif  // DOTCACHE_NET_BOOT_CLOCK_H_
