// SPDX-License-Identifier: Apache-2.0
// Monotonic time. Wall-clock time is only used for the age of DNS cookies and the expiry of
// certificates. Setting the clock therefore changes no TTL and no deadline. The monotonic clock
// also counts the time in which the machine is suspended (net/boot_clock.h), so entries expire
// during a suspend.
#ifndef DOTCACHE_CORE_CLOCK_H_
#define DOTCACHE_CORE_CLOCK_H_

#include <chrono>
#include <cstdint>

namespace dotcache {

using Duration = std::chrono::nanoseconds;
using Milliseconds = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;

// The epoch is arbitrary. Only differences are meaningful.
using MonoTime = std::chrono::time_point<std::chrono::steady_clock, Duration>;

// Reads the monotonic time. Thread-compatible; a loop's clock belongs to that loop's thread.
class Clock {
 public:
  virtual ~Clock() = default;

  // The time of the current loop turn. Cheap; constant within a turn.
  virtual MonoTime Now() const = 0;

  // The time at this moment. It costs a reading of the system's clock.
  virtual MonoTime FreshNow() const = 0;

  // Seconds since 1970 modulo 2^32, as DNS cookies contain them (RFC 9018 section 4.3). Costs a few
  // nanoseconds, so call it only for queries with a cookie.
  virtual uint32_t UnixSeconds() const = 0;
};

}  // namespace dotcache

#endif  // DOTCACHE_CORE_CLOCK_H_
