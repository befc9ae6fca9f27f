// SPDX-License-Identifier: Apache-2.0
// What the operator may set about serving.
#ifndef DOTCACHE_SERVER_SERVER_OPTIONS_H_
#define DOTCACHE_SERVER_SERVER_OPTIONS_H_

#include <string>
#include <vector>

#include "cache/cache_options.h"
#include "dns/dns_types.h"
#include "dns/domain_name.h"
#include "local/local_data.h"
#include "net/endpoint.h"
#include "server/access_policy.h"
#include "server/client_cookies.h"
#include "server/own_answers.h"
#include "upstream/upstream_options.h"

namespace dotcache {

// One socket address on one transport.
struct ListenOptions {
  Transport transport = Transport::kUdp;
  Endpoint endpoint;
  // Skipped with a log line where the address family does not exist: for defaults alone.
  bool optional = false;
};

// Times and limits. Those "per worker" hold for each event loop.
struct ServerLimits {
  // From a query's arrival to its answer; then SERVFAIL. Shorter than the patience of most stub
  // resolvers, which is 5 s.
  Milliseconds query_timeout{1900};
  // The same where there is stale data: then it is given (RFC 8767 section 5).
  Milliseconds stale_client_timeout{1800};
  // How long upstream servers are asked for one question, whoever still waits: what comes late is
  // kept for the client's retry. At least `query_timeout`.
  Milliseconds exchange_timeout{5000};
  // UDP replies are at most this and at most what the client announced (RFC 9715).
  uint16_t max_udp_payload_size = kOurUdpPayloadSize;
  // Distinct questions waiting for upstream, per worker. At the limit an exchange that nobody waits
  // for makes room; when there is none, the client gets stale data, or else SERVFAIL.
  int max_pending_queries = 10000;
  // Queries of one client that wait (ClientShares), per worker. At the limit its further misses get
  // stale data, or else SERVFAIL; what is cached is answered, and other clients notice nothing.
  // Less than `max_pending_queries`, so that no client takes every place.
  int max_pending_per_client = 7500;
  // Clients waiting for one question, per worker. At the limit: stale data, or else SERVFAIL. All
  // together twice `max_pending_queries` may wait, or as many as for one question.
  int max_waiters_per_query = 2000;
  // Open TCP and DoT client connections, per worker. At the limit the one idle the longest makes
  // room; when none is idle the new one is closed.
  int max_stream_connections = 4096;
  // Queries of one connection that wait for their replies. At the limit reading pauses.
  int max_queries_per_connection = 100;
  // A client connection without a whole query for this long is closed (RFC 7766 section 6.2.3).
  Milliseconds stream_idle_timeout{10000};
  // How long SIGTERM waits for what is in flight.
  Milliseconds drain_timeout{1500};
};

struct ServerOptions {
  std::vector<ListenOptions> listen;
  // Certificate chain and key of the DoT listeners; required when there is one.
  std::string listen_certificate_file;
  std::string listen_key_file;
  int workers = 1;  // 1 to 256.
  CacheOptions cache;
  UpstreamOptions upstream;
  // Trust store of upstream servers without one of their own; empty: the system's.
  std::string upstream_ca_file;
  // Answer special-use and private zones here (RFC 6761, 6303), but for those at or below a name of
  // the second.
  bool local_zones = true;
  std::vector<DomainName> local_zones_except;
  LocalDataOptions local_data;
  // What is said of this server to who asks, and what to ANY.
  OwnAnswersOptions own_answers;
  CookieMode cookies = CookieMode::kOn;
  // Secrets of the cookies, for CookieSecrets::Parse(); empty: made at start, and never shown.
  std::string cookie_secret_file;
  // Clients outside these ranges get REFUSED.
  std::vector<AddressPrefix> allow_from = PrivatePrefixes();
  ServerLimits limits;
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_SERVER_OPTIONS_H_
