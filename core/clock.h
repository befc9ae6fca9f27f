// Monotonic time. Wall-clock time plays no part in any decision, so a clock that is set moves no
// TTL and no deadline.
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
};

}  // namespace dotcache

#endif  // DOTCACHE_CORE_CLOCK_H_
