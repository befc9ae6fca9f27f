// SPDX-License-Identifier: Apache-2.0
// Options of upstream servers: the operator sets all of them except UpstreamTuning and
// UpstreamMode.
#ifndef DOTCACHE_UPSTREAM_API_UPSTREAM_OPTIONS_H_
#define DOTCACHE_UPSTREAM_API_UPSTREAM_OPTIONS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/clock.h"
#include "dns/dns_types.h"
#include "dns/domain_name.h"
#include "net/endpoint.h"
#include "net/outgoing_socket.h"
#include "net/tls/tls_credentials.h"

namespace dotcache {

inline constexpr uint16_t kDotPort = 853;  // RFC 7858 section 3.1.
inline constexpr uint16_t kClassicPort = 53;

// One upstream server: one address of a provider.
struct UpstreamServerOptions {
  // What log lines and metrics call it: the provider's name, or the endpoint.
  std::string provider;
  Endpoint endpoint;
  // Not empty: one of the places, numbered by `slot`, for the addresses of this host name. Until
  // the name is resolved `endpoint` is 0.0.0.0 with the port that the operator named, or 0.
  std::string host;
  int slot = 0;
  // kUdp (and TCP after a truncated response) and kTcp are clear text, for servers of private zones
  // only. They use neither identity nor trust store.
  Transport transport = Transport::kDot;
  TlsPeerIdentity identity;  // identity.address is the endpoint's address.
  // Trust store of this server only; empty: the one of all servers.
  std::string ca_file;
  // Our certificate chain and key for this server, both or neither.
  std::string certificate_file;
  std::string key_file;
  // More pins, for LoadPins(), beside identity.pins.
  std::string pins_file;
  // Share of a provider's queries under `weighted`, in proportion; its addresses divide it evenly.
  int weight = 1;  // 1 to 1000.
  // It charges for each query, so no query is sent to it only for speed.
  bool metered = false;
  // Connections that all workers together may have open to this server. 0: no limit is configured.
  int max_connections = 0;

  // The same at this address of its host.
  UpstreamServerOptions At(const Endpoint& address) const;
  // True if its responses arrive encrypted and from an authenticated server.
  bool is_secure() const { return transport == Transport::kDot && !identity.insecure; }
  bool has_address() const { return host.empty() || !endpoint.is_wildcard(); }
  // Identifies it among the servers of its provider: "192.0.2.1:853", "HOST/SLOT".
  std::string Label() const;
  friend bool operator==(const UpstreamServerOptions&, const UpstreamServerOptions&) = default;
};

// In which order servers are tried.
enum class SelectionPolicy {
  kBalanced,  // Spread by outstanding x response time over those within 1.5x of the best.
  kFastest,   // The lowest response time, with a little exploration.
  kRoundRobin,
  kRandom,
  kSequential,  // The first that is up, in the order configured.
  kWeighted,    // Drawn in proportion to the providers' weights.
  kStickyHash,  // By a hash of the name: the same name goes to the same provider.
};

absl::string_view SelectionPolicyName(SelectionPolicy policy);

// The servers for one zone. Names at or below `zone` go to them and to no others: when they are
// down the query fails. It is never sent to the servers of a zone above.
struct UpstreamZoneOptions {
  DomainName zone;  // The root for the default servers.
  SelectionPolicy policy = SelectionPolicy::kBalanced;
  std::vector<UpstreamServerOptions> servers;  // 1 to 64; of a host all its slots, in order.
  friend bool operator==(const UpstreamZoneOptions&, const UpstreamZoneOptions&) = default;
};

// Times and limits without a setting, each per worker. They are fixed in production; tests set
// them.
struct UpstreamTuning {
  // After clamp(srtt + 4 rttvar, min, max) on a ready connection the next server is queried too,
  // and a late response is still taken. While the response time is unknown the limit is three times
  // the connect time, at most 400 ms.
  Milliseconds min_attempt_timeout{90};
  Milliseconds max_attempt_timeout{1500};
  // A connection older than this takes no new query and closes when drained.
  Seconds max_connection_age{3600};
  int max_connections_per_server = 4;
  // In flight on one connection. At the limit another connection is opened, then the next server is
  // taken.
  int max_in_flight_per_connection = 256;
  // Queries over UDP under way on one connection, each on a socket of its own. At the limit the
  // same happens.
  int max_sockets_per_connection = 64;
  // Exchanges under way in one worker; the configuration raises it to max_pending_queries. At the
  // limit Exchange() fails with kResourceExhausted.
  int max_exchanges = 20000;
  // Octets written to a connection and not yet taken by the kernel. At the limit it is closed.
  int max_write_backlog_bytes = 256 * 1024;
  friend bool operator==(const UpstreamTuning&, const UpstreamTuning&) = default;
};

// Times and limits that the operator sets, each per worker, and how sockets are made.
struct UpstreamLimits {
  int workers = 1;  // Workers that connect to the same servers.
  // Connect and TLS handshake together.
  Milliseconds connect_timeout{2000};
  // A slow query is sent to a second server too (docs/upstream_rules.md).
  bool hedge = true;
  // A connection without queries is closed after this time, or after the time that the server
  // announces if that is shorter.
  Milliseconds idle_timeout{30000};
  // Of every socket to an upstream server, of any transport.
  OutgoingOptions outgoing;
  UpstreamTuning tuning = {};
  friend bool operator==(const UpstreamLimits&, const UpstreamLimits&) = default;
};

// How the program uses a set of servers. The operator does not set it.
struct UpstreamMode {
  // An exchange lasts until its deadline even when all servers are known to be down, because one of
  // them may recover. For the resolution of host names, which no client waits for.
  bool patient = false;
  // Servers that go down and recover are not logged.
  bool quiet = false;
  // Open a connection to each server of the root zone at start.
  bool prewarm = true;
  friend bool operator==(const UpstreamMode&, const UpstreamMode&) = default;
};

struct UpstreamOptions {
  // The root zone's entry comes first and is always present; zones are distinct.
  std::vector<UpstreamZoneOptions> zones;
  UpstreamLimits limits;
  // Servers that resolve the host names of upstream servers and get no other query. Not empty when
  // there is a host name.
  std::vector<UpstreamServerOptions> bootstrap;
  // Probe servers that may lead back here for forwarding loops (LoopProber).
  bool loop_check = true;
  UpstreamMode mode = {};
  friend bool operator==(const UpstreamOptions&, const UpstreamOptions&) = default;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_API_UPSTREAM_OPTIONS_H_
