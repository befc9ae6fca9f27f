// SPDX-License-Identifier: Apache-2.0
// Monotonic time. Wall-clock time plays no part in any decision but the age of a DNS cookie, so a
// clock that is set moves no TTL and no deadline. While the machine is suspended it goes on
// (net/boot_clock.h): what a night has made old is old.
#ifndef DOTCACHE_CORE_CLOCK_H_
#define DOTCACHE_CORE_CLOCK_H_

#include <chrono>
#include <cstdint>

namespace dotcache {

using Duration = std::chrono::nanoseconds;
using Milliseconds = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;

// The epoch is arbitrary: only differences mean something.
using MonoTime = std::chrono::time_point<std::chrono::steady_clock, Duration>;

// Reads the monotonic time. Thread-compatible; a loop's clock belongs to that loop's thread.
class Clock {
 public:
  virtual ~Clock() = default;

  // The time at which the current loop turn began (or the last refresh): cheap, constant in a turn.
  virtual MonoTime Now() const = 0;

  // Seconds since 1970 modulo 2^32, as DNS cookies carry them (RFC 9018 section 4.3). Costs a few
  // nanoseconds: for those who need it, not for every query.
  virtual uint32_t UnixSeconds() const = 0;
};

}  // namespace dotcache

#endif  // DOTCACHE_CORE_CLOCK_H_
