// SPDX-License-Identifier: Apache-2.0
// What the result of an attempt says of the server.
#ifndef DOTCACHE_UPSTREAM_POOL_ATTEMPT_RESULT_H_
#define DOTCACHE_UPSTREAM_POOL_ATTEMPT_RESULT_H_

#include "upstream/api/upstream_counters.h"
#include "upstream/connection/connection.h"

namespace dotcache {

// True for a response that can be handed on without asking anybody else.
bool IsUsable(const AttemptResult& result);

// True for what the server said, false for what became of us on the way.
bool IsWord(const AttemptResult& result);

// Counts it, `elapsed` after the query was sent.
void CountResult(const AttemptResult& result, Duration elapsed, UpstreamCounters& counters);

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_POOL_ATTEMPT_RESULT_H_
