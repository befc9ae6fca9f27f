// SPDX-License-Identifier: Apache-2.0
// How near the limits are to their bounds.
#ifndef DOTCACHE_ADMIN_LIMIT_LEVELS_H_
#define DOTCACHE_ADMIN_LIMIT_LEVELS_H_

#include <cstdint>
#include <vector>

#include "answer/worker_counters.h"

namespace dotcache {

class Server;

struct LimitLevel {
  Limit limit;
  uint64_t used;
  uint64_t bound;
};

// The limits that all clients share, summed over the workers that have them. Any thread may call
// it.
std::vector<LimitLevel> LimitLevels(const Server& server);

}  // namespace dotcache

#endif  // DOTCACHE_ADMIN_LIMIT_LEVELS_H_
