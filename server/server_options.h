// SPDX-License-Identifier: Apache-2.0
// The options of the server.
#ifndef DOTCACHE_SERVER_SERVER_OPTIONS_H_
#define DOTCACHE_SERVER_SERVER_OPTIONS_H_

#include <string>
#include <vector>

#include "answer/access_policy.h"
#include "answer/client_cookies.h"
#include "answer/client_rate.h"
#include "answer/own_answers.h"
#include "answer/reply_rate.h"
#include "answer/server_limits.h"
#include "cache/cache_options.h"
#include "dns/dns_types.h"
#include "dns/domain_name.h"
#include "local/local_data.h"
#include "net/endpoint.h"
#include "query_log/query_log_options.h"
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

// A file with the entries of the cache, for the next start.
struct SnapshotOptions {
  std::string file;        // Empty: none.
  Seconds interval{0};     // Between two snapshots. 0: only at the stop.
  Seconds max_age{86400};  // An older file is not used.
};

struct ServerOptions {
  std::vector<ListenOptions> listen;
  // If true, the server may start beside another instance of the same user, which has the same
  // addresses. The kernel distributes clients over both.
  bool reuse_port = false;
  // Certificate chain and key of the DoT listeners. Required if there is a DoT listener.
  std::string listen_certificate_file;
  std::string listen_key_file;
  int workers = 1;  // 1 to 256.
  // The workers that query upstream servers, at most `workers`. Each name belongs to one of them.
  // The other workers hand it their cache misses.
  int upstream_workers = 1;
  CacheOptions cache;
  SnapshotOptions snapshot;
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
  // Clients outside these ranges get REFUSED, unless a rule of `access` says otherwise.
  std::vector<AddressPrefix> allow_from = PrivatePrefixes();
  std::vector<AccessRule> access;
  ClientRateOptions client_rate;
  // Limits equal UDP replies to one network.
  ReplyRateOptions reply_rate;
  ServerLimits limits;
  QueryLogOptions query_log;
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_SERVER_OPTIONS_H_
