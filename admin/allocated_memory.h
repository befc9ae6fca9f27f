// SPDX-License-Identifier: Apache-2.0
// The memory that the process has in use.
#ifndef DOTCACHE_ADMIN_ALLOCATED_MEMORY_H_
#define DOTCACHE_ADMIN_ALLOCATED_MEMORY_H_

#include <cstdint>
#include <optional>

#include "core/clock.h"

namespace dotcache {

// Reads from the allocator how much memory is in use. The allocator then walks through all free
// memory and blocks other threads, so the result is kept for kGoodFor. Not thread-safe.
class AllocatedMemory {
 public:
  static constexpr Duration kGoodFor = Seconds(10);

  // Returns the bytes in use at `now`, or up to kGoodFor before it.
  uint64_t InUse(MonoTime now);

 private:
  std::optional<MonoTime> asked_at_;
  uint64_t in_use_ = 0;
};

}  // namespace dotcache

#endif  // DOTCACHE_ADMIN_ALLOCATED_MEMORY_H_
