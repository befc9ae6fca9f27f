// SPDX-License-Identifier: Apache-2.0
// The counters of one worker.
#ifndef DOTCACHE_ANSWER_WORKER_COUNTERS_H_
#define DOTCACHE_ANSWER_WORKER_COUNTERS_H_

#include <array>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "core/counters.h"
#include "dns/dns_types.h"
#include "dns/query.h"
#include "query_log/reply_source.h"

namespace dotcache {

// The limits that a query or a connection can meet.
enum class Limit : uint8_t {
  kPendingQueries,        // Too many exchanges in progress.
  kWaitersPerQuery,       // Too many clients wait for one question.
  kPerClient,             // Too many queries of one client wait.
  kWaiters,               // Too many clients wait in total.
  kUpstream,              // All connections to upstream servers are full.
  kConnections,           // Too many client connections are open.
  kConnectionsPerClient,  // Too many client connections of one client are open.
  kHandshakes,            // Too many TLS handshakes of one client.
  kUnread,                // Too many octets of replies are unread by clients.
  kUnfinished,            // Too many octets of incomplete messages are held.
  kHandOff,               // Too many queries wait for the worker that owns their names.
  kClientRate,            // Too many queries of one client in a time.
};
inline constexpr int kLimitCount = 12;
absl::string_view LimitName(Limit limit);  // "pending-queries", "per-client"...

// Why a reply has SERVFAIL.
enum class ServFailCause : uint8_t {
  kTimeout,      // No response in time.
  kUnreachable,  // No upstream server can be reached.
  kLoop,         // Queries to the upstream servers come back.
  kErrors,       // The upstream servers answered with errors.
  kBadResponse,  // The responses were malformed, truncated, a referral or endless aliases.
  kLimit,
  kRemembered,  // The failure is in the cache.
  kStopping,
};
inline constexpr int kServFailCauseCount = 8;
absl::string_view ServFailCauseName(ServFailCause cause);  // "timeout", "unreachable"...

// What one worker counts about its clients. Only that worker writes. Aligned to
// cache lines, so that no two workers write to the same line.
struct alignas(64) WorkerCounters {
  std::array<Counter, kTransportCount> queries;     // Messages received, by transport.
  std::array<Counter, kTypeSlotCount> query_types;  // Well-formed queries, by TypeSlot().
  // Replies sent, by origin, transport and RcodeSlot().
  std::array<std::array<std::array<Counter, kRcodeSlotCount>, kTransportCount>, kReplyOriginCount>
      responses;
  std::array<Counter, kServFailCauseCount> servfail;      // Replies with SERVFAIL, by cause.
  std::array<Counter, kRejectionReasonCount> rejections;  // Messages not served, by reason.
  Counter cache_hits;                                     // Queries answered from fresh data.
  // Queries without a usable entry: forwarded, or refused (no RD, or a limit).
  Counter cache_misses;
  Counter nxdomain_hits;     // Cache hits on an NXDOMAIN that holds for all types of its name.
  Counter stale_answers;     // Replies with stale data.
  Counter failure_hits;      // Queries answered from a cached failure.
  Counter prefetches;        // Refreshes begun for data that was still fresh.
  Counter failed_refreshes;  // Failed exchanges whose data is still in the cache.
  // Answers for special-use zones and CHAOS names, and minimal answers to ANY.
  Counter local_answers;
  Counter local_record_answers;
  // Queries that joined an exchange in progress, or that were handed over while it ended.
  Counter coalesced_queries;
  Counter handed_queries;  // Queries handed to the worker that owns their names.
  // Queries that an access rule refuses, and queries and connections of clients without a rule.
  Counter refused_clients;
  Counter dropped_clients;  // Queries and connections that an access rule drops.
  // Queries refused and connections closed at a limit.
  std::array<Counter, kLimitCount> limit_rejections;
  Counter udp_send_drops;  // UDP replies that the kernel did not accept.
  Counter truncated_replies;
  Counter stream_connections;  // Open TCP and DoT client connections: a gauge.
  Counter stream_connections_total;
  Counter pending_queries;   // Exchanges in progress: a gauge.
  Counter waiting_clients;   // Queries that wait for an exchange: a gauge.
  Counter unfinished_bytes;  // Octets of incomplete messages and handshakes: a gauge.
  // Changed routes to upstream servers, and resumes after a suspend.
  Counter network_changes;
  // From a query's arrival to its reply, for queries that waited for an exchange.
  DurationHistogram miss_duration;
  // From arrival to reply, for all queries. Of those that do not wait, see ReplyTimes.
  QueryTimeHistogram query_duration;
  SizeHistogram query_sizes;
  SizeHistogram reply_sizes;

  Counter& limit(Limit limit) { return limit_rejections[static_cast<size_t>(limit)]; }

  void CountReply(const ReplyOrigin& origin, Transport transport, Rcode rcode, size_t size) {
    responses[PlaceOf(origin)][static_cast<size_t>(transport)][RcodeSlot(rcode)].Add();
    reply_sizes.Count(size);
  }
  // The replies with this RCODE, of all origins and transports.
  uint64_t Replies(Rcode rcode) const;
};

}  // namespace dotcache

#endif  // DOTCACHE_ANSWER_WORKER_COUNTERS_H_
