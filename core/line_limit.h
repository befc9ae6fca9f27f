// SPDX-License-Identifier: Apache-2.0
// Limits how often one kind of log line is written.
#ifndef DOTCACHE_CORE_LINE_LIMIT_H_
#define DOTCACHE_CORE_LINE_LIMIT_H_

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

#include "core/clock.h"

namespace dotcache {

// For lines that a client or the network can cause again and again: a burst of four lines, then one
// in ten seconds. The next line tells how many were left out. Not thread-safe.
class LineLimit {
 public:
  // Returns the number of lines that were left out before this one, or std::nullopt if this line is
  // to be left out too.
  std::optional<uint64_t> Take(MonoTime now) {
    const std::chrono::duration<double> passed = now - counted_;
    lines_ = std::min(kBurst, lines_ + passed / std::chrono::duration<double>(kInterval));
    counted_ = now;
    if (lines_ < 1) {
      ++left_out_;
      return std::nullopt;
    }
    lines_ -= 1;
    return std::exchange(left_out_, 0);
  }

 private:
  static constexpr double kBurst = 4;
  static constexpr Seconds kInterval{10};

  double lines_ = kBurst;
  MonoTime counted_;
  uint64_t left_out_ = 0;
};

}  // namespace dotcache

#endif  // DOTCACHE_CORE_LINE_LIMIT_H_
