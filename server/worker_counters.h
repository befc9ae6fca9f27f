// SPDX-License-Identifier: Apache-2.0
// What one worker counts about clients.
#ifndef DOTCACHE_SERVER_WORKER_COUNTERS_H_
#define DOTCACHE_SERVER_WORKER_COUNTERS_H_

#include <array>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "core/counters.h"
#include "dns/dns_types.h"
#include "dns/query.h"

namespace dotcache {

// A table that was full.
enum class Limit : uint8_t {
  kPendingQueries,   // Too many questions.
  kWaitersPerQuery,  // Too many clients that wait for one question.
  kPerClient,        // Too many queries of one client.
  kWaiters,          // Too many clients that wait.
  kUpstream,         // No connection to an upstream server has room.
  kConnections,      // Too many client connections.
  kUnread,           // Too much that clients do not read.
  kUnfinished,       // Too much that clients begin and do not end.
};
inline constexpr int kLimitCount = 8;
absl::string_view LimitName(Limit limit);  // "pending-queries", "per-client"...

// What one worker counts about clients. Cache-line aligned: no worker writes to another's line.
struct alignas(64) WorkerCounters {
  static constexpr int kRcodeSlots = 24;  // RCODE 0-23; slot 23 also takes what is above.

  std::array<Counter, kTransportCount> queries;           // Messages received, by transport.
  std::array<Counter, kRcodeSlots> responses;             // Replies sent, by RCODE.
  std::array<Counter, kRejectionReasonCount> rejections;  // Queries not served, by reason.
  Counter cache_hits;                                     // Answered from fresh data.
  // Not in the cache: asked upstream, or turned away (no RD, a limit).
  Counter cache_misses;
  Counter nxdomain_hits;     // Of the hits: by a denial that holds for all types of its name.
  Counter stale_answers;     // Replies with stale data.
  Counter failure_hits;      // Answered from a failure that is remembered.
  Counter prefetches;        // Refreshes begun for data that is still fresh.
  Counter failed_refreshes;  // Exchanges that failed for data that is held.
  Counter local_answers;     // From special-use zones, of CHAOS names, minimal ones to ANY.
  Counter local_record_answers;
  Counter coalesced_queries;  // Joined an exchange that was already under way.
  Counter refused_clients;    // Outside the access list.
  std::array<Counter, kLimitCount> limit_rejections;  // Turned away at a limit.
  Counter udp_send_drops;                             // Replies the kernel did not take.
  Counter truncated_replies;
  Counter stream_connections;  // Open client connections, TCP and DoT: a gauge.
  Counter stream_connections_total;
  Counter pending_queries;          // Distinct questions waiting for upstream: a gauge.
  Counter network_changes;          // The way to upstream servers has changed, or a suspend ended.
  DurationHistogram miss_duration;  // Query received to reply sent, for misses.

  Counter& limit(Limit limit) { return limit_rejections[static_cast<size_t>(limit)]; }

  void CountResponse(Rcode rcode) {
    const size_t slot = static_cast<size_t>(rcode);
    responses[slot < kRcodeSlots ? slot : kRcodeSlots - 1].Add();
  }
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_WORKER_COUNTERS_H_
