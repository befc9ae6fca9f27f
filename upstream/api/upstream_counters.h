// SPDX-License-Identifier: Apache-2.0
// What one worker counts about one upstream server.
#ifndef DOTCACHE_UPSTREAM_API_UPSTREAM_COUNTERS_H_
#define DOTCACHE_UPSTREAM_API_UPSTREAM_COUNTERS_H_

#include "core/counters.h"
#include "upstream/api/upstream_failure.h"

namespace dotcache {

// What one worker counts about one upstream server.
struct alignas(64) UpstreamCounters {
  Counter queries;    // Queries sent, re-sent ones included.
  Counter responses;  // Usable responses received.
  Counter hedges;     // Queries sent while another server still may answer.
  Counter stalls;     // Connections that fell silent with queries on them.
  Counter timeouts;   // Attempts not answered in time; a late answer may follow.
  Counter failures;   // Attempts that ended in an UpstreamFailure.
  // Responses that were not used, by reason.
  Counter mismatched;       // Not ours: dropped, and the wait went on.
  Counter malformed;        // Broken.
  Counter not_an_answer;    // Well formed, but no answer to the question.
  Counter truncated;        // TC on a stream.
  Counter error_responses;  // An error RCODE, of which the next server may know better.
  Counter full_handshakes;
  Counter resumed_handshakes;
  Counter failed_handshakes;
  Counter open_connections;          // A gauge.
  Counter in_flight;                 // A gauge.
  Counter present;                   // 1, or 0 for a slot without an address: a gauge.
  Counter up;                        // 1 up (or not tried yet), 0 down: a gauge.
  Counter loops;                     // 1 where queries sent to it come back: a gauge of one worker.
  DurationHistogram response_time;   // Query written to response read.
  DurationHistogram handshake_time;  // Connect begun to connection ready.
};

// Where a response is counted that was not used because of this; nullptr for other failures.
inline Counter* RejectionCounter(UpstreamFailure failure, UpstreamCounters& counters) {
  switch (failure) {
    case UpstreamFailure::kMalformed:
      return &counters.malformed;
    case UpstreamFailure::kNotAnAnswer:
      return &counters.not_an_answer;
    case UpstreamFailure::kTruncated:
      return &counters.truncated;
    case UpstreamFailure::kServFail:
      return &counters.error_responses;
    default:
      return nullptr;
  }
}

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_API_UPSTREAM_COUNTERS_H_
