// SPDX-License-Identifier: Apache-2.0
// The counters of one upstream server.
#ifndef DOTCACHE_UPSTREAM_API_UPSTREAM_COUNTERS_H_
#define DOTCACHE_UPSTREAM_API_UPSTREAM_COUNTERS_H_

#include <array>
#include <vector>

#include "absl/types/span.h"
#include "core/counters.h"
#include "dns/dns_types.h"
#include "upstream/api/upstream_failure.h"

namespace dotcache {

// The counters of one upstream server. At rest, queries = responses + failures + given_up, and
// queries = the sums of by_rcode and failed_by + given_up.
struct alignas(64) UpstreamCounters {
  Counter queries;    // Queries given to a connection, repeated ones included.
  Counter responses;  // Usable responses.
  Counter failures;   // Attempts that ended in an UpstreamFailure.
  Counter given_up;   // Attempts without a result when their exchange ended.
  Counter late;       // Responses that came after that.
  // Responses to attempts by RcodeSlot(), with those that have an error RCODE.
  std::array<Counter, kRcodeSlotCount> by_rcode;
  // Attempts that failed without a response that has an RCODE, by UpstreamFailure.
  std::array<Counter, kUpstreamFailureCount> failed_by;
  Counter hedges;    // Queries sent for speed while another server may still answer.
  Counter stalls;    // Connections that became silent with queries on them.
  Counter timeouts;  // Attempts that took longer than usual. A late response may follow.
  // Responses that were not used, by reason.
  Counter mismatched;       // They match no query. They were dropped.
  Counter malformed;        // They are not valid messages.
  Counter not_an_answer;    // They are valid, but do not answer the question.
  Counter truncated;        // They have TC set on a stream.
  Counter error_responses;  // They have an error RCODE.
  Counter full_handshakes;
  Counter resumed_handshakes;
  Counter failed_handshakes;  // TLS handshakes that failed; not failed TCP connects.
  // Unix time at which the latest certificate expires that the server has shown. 0: none. A gauge.
  Counter certificate_expiry;
  Counter open_connections;          // A gauge.
  Counter in_flight;                 // A gauge.
  Counter present;                   // 1, or 0 for a slot without an address. A gauge.
  Counter up;                        // 1: up or on trial, 0: down. A gauge.
  Counter taken_out;                 // 1 while an operator has taken it out. A gauge.
  Counter loops;                     // 1 while queries sent to it come back. A gauge.
  Counter erring;                    // 1 while its provider answers with errors only. A gauge.
  DurationHistogram response_time;   // From query to response, late ones included.
  DurationHistogram handshake_time;  // From the start of the connect to the ready connection.
};

inline Counter& FailuresOf(UpstreamFailure reason, UpstreamCounters& counters) {
  return counters.failed_by[static_cast<size_t>(reason)];
}

// The number of a server among those of all zones, and its counters, which outlive it.
struct NumberedServer {
  int index = 0;
  UpstreamCounters* counters = nullptr;
};

// With the numbers 0, 1, 2 and so on.
inline std::vector<NumberedServer> NumberInOrder(absl::Span<UpstreamCounters> counters) {
  std::vector<NumberedServer> numbered;
  for (UpstreamCounters& of_server : counters) {
    numbered.push_back({static_cast<int>(numbered.size()), &of_server});
  }
  return numbered;
}

// Returns the counter of responses that were not used for this reason. nullptr for other failures.
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
