// SPDX-License-Identifier: Apache-2.0
#include "cmd/descriptor_limit.h"

#include <sys/resource.h>

#include <algorithm>

#include "core/log.h"
#include "upstream/pool/attempt_placer.h"

namespace dotcache {
namespace {

// For each event loop: those of libuv (epoll, eventfd, a pipe, /dev/null), three of NetworkWatch,
// and spare ones.
constexpr uint64_t kLoopDescriptors = 12;
constexpr uint64_t kReservedDescriptors = 96;  // Admin connections, files, standard streams.

// The descriptors for everything except client connections.
uint64_t FixedDescriptors(const ServerOptions& options) {
  const UpstreamLimits& limits = options.upstream.limits;
  const auto connections = static_cast<uint64_t>(limits.tuning.max_connections_per_server);
  const uint64_t each_worker = kLoopDescriptors + options.listen.size();
  uint64_t each_owner = 0;
  // Shared connections, as many that drain, a spare one, exclusive ones, and the loop probe.
  const uint64_t each_server = 2 * connections + 1 + AttemptPlacer::kMaxAlone + 1;
  uint64_t slots = 0;
  for (const UpstreamZoneOptions& zone : options.upstream.zones) {
    for (const UpstreamServerOptions& server : zone.servers) {
      each_owner += each_server;
      slots += server.host.empty() ? 0 : 1;
      if (server.transport != Transport::kUdp) continue;
      each_owner +=
          (connections + 1) * static_cast<uint64_t>(limits.tuning.max_sockets_per_connection);
    }
  }
  // A host name has at most three queries at a time, which is less than its slots.
  each_owner += options.upstream.bootstrap.size() * (each_server + slots);
  return kReservedDescriptors + static_cast<uint64_t>(options.workers) * each_worker +
         static_cast<uint64_t>(std::min(options.upstream_workers, options.workers)) * each_owner;
}

}  // namespace

uint64_t DescriptorsNeeded(const ServerOptions& options) {
  return FixedDescriptors(options) +
         static_cast<uint64_t>(options.workers) *
             static_cast<uint64_t>(options.limits.max_stream_connections);
}

void FitConnections(uint64_t available, ServerOptions& options) {
  if (DescriptorsNeeded(options) <= available) return;
  const uint64_t fixed = FixedDescriptors(options);
  const uint64_t left = available > fixed ? available - fixed : 0;
  options.limits.max_stream_connections =
      static_cast<int>(std::max<uint64_t>(1, left / static_cast<uint64_t>(options.workers)));
}

void FitConnectionsToDescriptors(ServerOptions& options) {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) getrlimit(RLIMIT_NOFILE, &limit);
  const int wanted = options.limits.max_stream_connections;
  FitConnections(limit.rlim_cur, options);
  if (options.limits.max_stream_connections == wanted) return;
  Log(LogLevel::kWarn, "fewer client connections than configured: too few file descriptors",
      {{"max_stream_connections", options.limits.max_stream_connections},
       {"configured", wanted},
       {"descriptors", limit.rlim_cur}});
}

}  // namespace dotcache
