// SPDX-License-Identifier: Apache-2.0
// The options of the server. The operator sets all of them except ServerTuning.
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
#include "upstream/api/upstream_options.h"

namespace dotcache {

// One address and port on which the server listens.
struct ListenOptions {
  Transport transport = Transport::kUdp;
  Endpoint endpoint;
  // If the address family does not exist, this listener is skipped with a log line. Only default
  // listeners set this.
  bool optional = false;
};

// Limits without a setting. They are fixed in production; tests set them.
struct ServerTuning {
  // How long an exchange lasts, even if no client waits for it any more. A late response is stored
  // for the client's retry. The configuration raises this to `query_timeout` if it is lower.
  Milliseconds exchange_timeout{5000};
  // Clients that wait for one question, per worker. At the limit they get stale data, or else
  // SERVFAIL. All waiting clients together are limited to twice `max_pending_queries`, or to this
  // value if it is larger.
  int max_waiters_per_query = 2000;
  // Unanswered queries of one connection. At the limit, the server stops reading from it.
  int max_queries_per_connection = 100;
  // How long a stop waits for the queries in flight.
  Milliseconds drain_timeout{1500};
};

// Times, limits and the form of replies, which the operator sets. A limit "per worker" applies to
// each event loop on its own.
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
  // Exchanges in progress, per worker. At the limit, an exchange without waiting clients makes
  // room. If there is none, the client gets stale data, or else SERVFAIL.
  int max_pending_queries = 10000;
  // Waiting queries of one client (ClientShares), per worker. At the limit, further cache misses of
  // this client get stale data, or else SERVFAIL. Cache hits and other clients are not affected.
  // The value must be less than `max_pending_queries`, so that one client cannot fill that table.
  int max_pending_per_client = 7500;
  // Open TCP and DoT client connections, per worker. At the limit, the connection that has been
  // idle for the longest time is closed. If none is idle, the new connection is closed.
  int max_stream_connections = 4096;
  // A client connection that sends no complete query for this long is closed (RFC 7766 section
  // 6.2.3).
  Milliseconds stream_idle_timeout{10000};
  ServerTuning tuning = {};
};

struct ServerOptions {
  std::vector<ListenOptions> listen;
  // Certificate chain and key of the DoT listeners. Required if there is a DoT listener.
  std::string listen_certificate_file;
  std::string listen_key_file;
  int workers = 1;  // 1 to 256.
  CacheOptions cache;
  UpstreamOptions upstream;
  // CA file of upstream servers without their own. If empty, the system's CA file.
  std::string upstream_ca_file;
  // If true, special-use and private zones are answered locally (RFC 6761, RFC 6303), except names
  // at or below one of `local_zones_except`.
  bool local_zones = true;
  std::vector<DomainName> local_zones_except;
  LocalDataOptions local_data;
  // Server identity (NSID, CHAOS TXT) and the handling of QTYPE ANY.
  OwnAnswersOptions own_answers;
  CookieMode cookies = CookieMode::kOn;
  // File with the cookie secrets, for CookieSecrets::Parse(). If empty, the server makes random
  // secrets at start.
  std::string cookie_secret_file;
  // Clients outside these ranges get REFUSED.
  std::vector<AddressPrefix> allow_from = PrivatePrefixes();
  ServerLimits limits;
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_SERVER_OPTIONS_H_
