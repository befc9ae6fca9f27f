// SPDX-License-Identifier: Apache-2.0
// How much memory the process has in use.
#ifndef DOTCACHE_ADMIN_ALLOCATED_MEMORY_H_
#define DOTCACHE_ADMIN_ALLOCATED_MEMORY_H_

#include <cstdint>
#include <optional>

#include "core/clock.h"

namespace dotcache {

// Asks the allocator, which walks through all that is free and lets nobody have any of it
// meanwhile: not at each request of whoever asks for metrics. Not thread-safe.
class AllocatedMemory {
 public:
  static constexpr Duration kGoodFor = Seconds(10);

  // In bytes, at `now` or at most so long ago.
  uint64_t InUse(MonoTime now);

 private:
  std::optional<MonoTime> asked_at_;
  uint64_t in_use_ = 0;
};

}  // namespace dotcache

#endif  // DOTCACHE_ADMIN_ALLOCATED_MEMORY_H_
