// SPDX-License-Identifier: Apache-2.0
// Delays at the seams of start, stop and reply, for tests of the built program. A race between two
// quick steps is rare. With a delay between the steps, it happens on every run.
//
// The delays exist only in builds with DOTCACHE_TEST_DELAYS, which CMake defines for the build type
// Debug. In any other build TestDelay() is empty and the program reads no variable.
//
//   DOTCACHE_TEST_DELAY=50                    every seam, in milliseconds
//   DOTCACHE_TEST_DELAY=started:700,stop:300  those seams
#ifndef DOTCACHE_CORE_TEST_DELAY_H_
#define DOTCACHE_CORE_TEST_DELAY_H_

#include <array>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/clock.h"

namespace dotcache {

enum class Seam {
  kBind,         // bind: before the listeners are bound.
  kPlan,         // plan: before the listeners and upstream servers are logged.
  kStart,        // start: before the workers start.
  kWorker,       // worker: in each worker's thread, before its loop runs.
  kStarted,      // started: before `started` is logged.
  kReady,        // ready: before `ready` is logged.
  kStop,         // stop: after a signal, before `stopping` is logged.
  kDrain,        // drain: before the workers are told to drain.
  kJoin,         // join: after the drain, before the workers' threads end.
  kStopped,      // stopped: before `stopped` is logged.
  kAdminReply,   // admin: before a page of the admin address is made.
  kCacheInsert,  // insert: before a response is stored.
};
inline constexpr size_t kSeamCount = static_cast<size_t>(Seam::kCacheInsert) + 1;

#ifdef DOTCACHE_TEST_DELAYS

// Parses a value of DOTCACHE_TEST_DELAY into a delay for each seam. The empty text means no delay.
absl::StatusOr<std::array<Milliseconds, kSeamCount>> ParseTestDelays(absl::string_view text);

// Blocks the calling thread for the delay of this seam. Any thread may call it. An invalid value of
// the variable ends the process, because a misspelt seam would test nothing.
void TestDelay(Seam seam);

#else

inline void TestDelay(Seam) {}

#endif

}  // namespace dotcache

#endif  // DOTCACHE_CORE_TEST_DELAY_H_
