// SPDX-License-Identifier: Apache-2.0
#include "admin/allocated_memory.h"

#include <malloc.h>

namespace dotcache {

uint64_t AllocatedMemory::InUse(MonoTime now) {
  if (asked_at_.has_value() && now - *asked_at_ < kGoodFor) return in_use_;
  const struct mallinfo2 memory = mallinfo2();
  in_use_ = memory.uordblks + memory.hblkhd;
  asked_at_ = now;
  return in_use_;
}

}  // namespace dotcache
