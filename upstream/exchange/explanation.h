// SPDX-License-Identifier: Apache-2.0
// Why a name is asked where it is asked.
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
  absl::string_view state;      // "up", "probation", "down".
  std::string why;              // Why it stands where it does, in words.
  size_t connections = 0;       // Ready ones.
  int in_flight = 0;
  int failures_in_row = 0;                     // Of the transport.
  std::optional<Duration> response_time;       // What a query may expect.
  std::optional<Duration> slow_response_time;  // 19 of 20 responses are faster.
  std::optional<Duration> next_probe_in;       // While it is down.
};

// What one worker would do with a query for the name.
struct NameExplanation {
  std::string zone;  // The servers of this zone are in charge, and no others.
  absl::string_view policy;
  bool hedges = false;                     // It may be asked twice for speed,
  Duration hedge_after{0};                 // after this long.
  std::vector<ServerExplanation> servers;  // In the order in which they would be asked.
};

// Changes nothing: no turn is taken, no connection opened.
NameExplanation Explain(const UpstreamZone& zone, const DomainName& qname, MonoTime now);

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_EXCHANGE_EXPLANATION_H_
