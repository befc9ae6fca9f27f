// SPDX-License-Identifier: Apache-2.0
// Turning a real loop until a condition holds.
#ifndef DOTCACHE_TESTS_SUPPORT_RUN_LOOP_H_
#define DOTCACHE_TESTS_SUPPORT_RUN_LOOP_H_

#include <chrono>
#include <thread>

#include "absl/functional/function_ref.h"
#include "net/uv_loop.h"

namespace dotcache {

// Runs the loop until `done()` returns true. Returns false after a minute, which means a failure.
inline bool RunLoopUntil(UvLoop& loop, absl::FunctionRef<bool()> done) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    loop.RunOnce();
    std::this_thread::yield();
  }
  return true;
}

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_SUPPORT_RUN_LOOP_H_
