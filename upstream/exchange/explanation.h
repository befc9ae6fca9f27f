// SPDX-License-Identifier: Apache-2.0
// Why a name is forwarded as it is.
#ifndef DOTCACHE_UPSTREAM_EXCHANGE_EXPLANATION_H_
#define DOTCACHE_UPSTREAM_EXCHANGE_EXPLANATION_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/clock.h"
#include "dns/domain_name.h"

namespace dotcache {

class UpstreamZone;

// One server as it is now.
struct ServerExplanation {
  std::string provider;
  std::string address;          // With the port.
  absl::string_view transport;  // "udp", "tcp", "tls".
  absl::string_view state;      // ServerStateName().
  std::string why;              // Why it has its place in the order.
  size_t connections = 0;       // Ready ones.
  int in_flight = 0;
  int failures_in_row = 0;         // Of the transport.
  absl::string_view last_failure;  // UpstreamFailureName() of a connection's latest failure. Empty:
  std::string last_cause;          // none. Its cause in words.
  std::optional<Duration> last_failure_ago;
  std::optional<Duration> response_time;       // The expected one.
  std::optional<Duration> slow_response_time;  // 19 of 20 responses are faster.
  std::optional<Duration> next_probe_in;       // While it is down.
};

// How a query for the name would be forwarded.
struct NameExplanation {
  std::string zone;  // Only the servers of this zone are queried.
  absl::string_view policy;
  bool hedges = false;                     // A second query may be sent for speed,
  Duration hedge_after{0};                 // after this time.
  std::vector<ServerExplanation> servers;  // In the order of querying.
};

// Changes nothing: no turn of a policy, no connection.
NameExplanation Explain(const UpstreamZone& zone, const DomainName& qname, MonoTime now);

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_EXCHANGE_EXPLANATION_H_
