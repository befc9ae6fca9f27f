// What one worker counts about one upstream server.
#ifndef DOTCACHE_UPSTREAM_UPSTREAM_COUNTERS_H_
#define DOTCACHE_UPSTREAM_UPSTREAM_COUNTERS_H_

#include "core/counters.h"

namespace dotcache {

// What one worker counts about one upstream server.
struct alignas(64) UpstreamCounters {
  Counter queries;     // Queries sent, re-sent ones included.
  Counter responses;   // Usable responses received.
  Counter hedges;      // Queries sent while another server still may answer.
  Counter stalls;      // Connections that fell silent with queries on them.
  Counter timeouts;    // Attempts not answered in time; a late answer may follow.
  Counter failures;    // Attempts that ended in an UpstreamFailure.
  Counter mismatched;  // Messages dropped because they were not ours.
  Counter full_handshakes;
  Counter resumed_handshakes;
  Counter failed_handshakes;
  Counter open_connections;          // A gauge.
  Counter in_flight;                 // A gauge.
  Counter up;                        // 1 up (or not tried yet), 0 down: a gauge.
  DurationHistogram response_time;   // Query written to response read.
  DurationHistogram handshake_time;  // Connect begun to connection ready.
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_UPSTREAM_COUNTERS_H_
