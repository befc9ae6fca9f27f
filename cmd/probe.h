// SPDX-License-Identifier: Apache-2.0
// The subcommand `probe`: a query to a running server, for health checks.
#ifndef DOTCACHE_CMD_PROBE_H_
#define DOTCACHE_CMD_PROBE_H_

#include <string>

#include "absl/status/statusor.h"
#include "cmd/config.h"
#include "core/clock.h"
#include "dns/dns_types.h"
#include "dns/domain_name.h"
#include "net/endpoint.h"

namespace dotcache {

// Queries the A records of `name` over UDP, three times at most. Returns the RCODE of the reply.
// Without a reply, the error has the cause.
absl::StatusOr<Rcode> Probe(const Endpoint& server, const DomainName& name, Milliseconds timeout);

// The address to probe: that of the first UDP listener, on loopback if it listens on all addresses.
absl::StatusOr<Endpoint> ProbedAddress(const Config& config);

// Probes `address`, or the configuration's address if it is empty. Without a name it queries
// localhost, and every reply except SERVFAIL is a success. With a name, NOERROR and NXDOMAIN are.
// Prints the outcome. Returns the exit status: 0 or 1.
int RunProbe(const ConfigSources& sources, const std::string& address, const std::string& name);

}  // namespace dotcache

#endif  // DOTCACHE_CMD_PROBE_H_
