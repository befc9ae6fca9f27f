// SPDX-License-Identifier: Apache-2.0
// Times, limits and the form of replies. The operator sets all of them except ServerTuning.
#ifndef DOTCACHE_ANSWER_SERVER_LIMITS_H_
#define DOTCACHE_ANSWER_SERVER_LIMITS_H_

#include <cstdint>

#include "core/clock.h"
#include "dns/edns.h"

namespace dotcache {

// Limits without a setting. They are fixed in production; tests set them.
struct ServerTuning {
  // How long an exchange lasts, even if no client waits for it any more. A late response is stored
  // for the client's retry. The configuration raises this to `query_timeout` if it is lower.
  Milliseconds exchange_timeout{5000};
  // Clients that wait for one question, per owner. At the limit the client that waits most often
  // makes room: it gets stale data, or else SERVFAIL. All waiting clients together are limited to
  // twice `max_pending_queries`, or to this value if it is larger.
  int max_waiters_per_query = 2000;
  // Queries of other workers that wait for the worker that owns their names. At the limit, further
  // ones get stale data, or else SERVFAIL.
  int max_handed_queries = 4096;
  // Unanswered queries of one connection. At the limit, the server stops reading from it.
  int max_queries_per_connection = 100;
  // The time for a whole TLS handshake of a client, from the accept.
  Milliseconds handshake_timeout{5000};
  // A stop serves as before until a moment without waiting clients, at most for this time. It is
  // longer than `query_timeout`, so that every query which waited at the stop is answered.
  Milliseconds drain_timeout{2000};
  // After that, new queries are no longer received. Queries that still wait for a response get
  // SERVFAIL after this time: the default `query_timeout`.
  Milliseconds last_replies_timeout{2000};
};

// Times, limits and the form of replies, which the operator sets. A limit "per worker" applies to
// each event loop on its own; one "per owner" to each worker that owns names.
struct ServerLimits {
  // After this time from its arrival, a query gets SERVFAIL. This is shorter than the 5 s that most
  // stub resolvers wait.
  Milliseconds query_timeout{1900};
  // After this time, a query for which there is stale data gets the stale data (RFC 8767 section
  // 5).
  Milliseconds stale_client_timeout{1800};
  // UDP replies have at most this size, and at most the size that the client announced (RFC 9715).
  uint16_t max_udp_payload_size = kOurUdpPayloadSize;
  // If true, each A or AAAA reply from the cache begins with another address of its RRset.
  bool rotate = true;
  // Exchanges in progress, per owner. At the limit, an exchange without waiting clients makes
  // room, or else the client that holds most. It gets stale data, or else SERVFAIL.
  int max_pending_queries = 10000;
  // Waiting queries of one client (ClientKey), per owner. At the limit, further cache misses of
  // this client get stale data, or else SERVFAIL. Cache hits and other clients are not affected.
  // The value must be less than `max_pending_queries`, so that one client cannot fill that table.
  int max_pending_per_client = 7500;
  // Open TCP and DoT client connections, per worker. At the limit, the client with most connections
  // makes room (SessionTable).
  int max_stream_connections = 4096;
  // Open TCP and DoT connections of one client (ClientKey), of all workers together. At the limit,
  // an idle connection of this client makes room. If none is idle, the new connection is closed.
  int max_streams_per_client = 256;
  // TLS handshakes of one client (ClientKey) in a second, and twice as many at once, of all workers
  // together. At the limit, its new DoT connections are closed. 0: no limit.
  int handshakes_per_second = 50;
  // A client connection that sends no complete query for this long is closed (RFC 7766 section
  // 6.2.3).
  Milliseconds stream_idle_timeout{10000};
  ServerTuning tuning = {};
};

}  // namespace dotcache

#endif  // DOTCACHE_ANSWER_SERVER_LIMITS_H_
