// SPDX-License-Identifier: Apache-2.0
#include "cmd/dependent_settings.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "cmd/machine_limits.h"
#include "cmd/query_log_settings.h"
#include "cmd/upstream_settings.h"

namespace dotcache {
namespace {

void CheckLocalZonesExcept(LoadedConfig& loaded) {
  const ServerOptions& server = loaded.config.server;
  if (server.local_zones || server.local_zones_except.empty()) return;
  loaded.errors.push_back({loaded.origins.Of("local-zones-except"), "local-zones-except",
                           "has no effect where `local-zones` is off, which forwards all of these "
                           "zones; remove one of the two"});
}

void CheckBootstrap(LoadedConfig& loaded) {
  if (loaded.origins.IsSet("bootstrap")) return;
  size_t index = 0;
  for (const UpstreamZoneOptions& zone : loaded.config.server.upstream.zones) {
    for (const UpstreamServerOptions& server : zone.servers) {
      const ConfigOrigin origin = loaded.origins.OfElement("upstream", index++);
      if (server.host.empty() || server.slot > 0) continue;
      loaded.errors.push_back(
          {origin, "upstream",
           absl::StrCat("the host name ", server.host, " needs a `bootstrap` server: write ",
                        "bootstrap: [", kBootstrapExample, "], or write the address here, as ",
                        "tls://ADDR#", server.host)});
    }
  }
}

void CheckMaxConnections(LoadedConfig& loaded) {
  const ServerOptions& server = loaded.config.server;
  const int workers = std::min(server.upstream_workers, server.workers);
  size_t index = 0;
  for (const UpstreamZoneOptions& zone : server.upstream.zones) {
    for (const UpstreamServerOptions& upstream : zone.servers) {
      const ConfigOrigin origin = loaded.origins.OfElement("upstream", index++);
      if (upstream.max_connections == 0 || upstream.max_connections >= workers) continue;
      if (upstream.slot > 0) continue;
      loaded.errors.push_back(
          {origin, "max-connections",
           absl::StrCat(upstream.max_connections, " is less than `upstream-workers`, which is ",
                        workers, ", and each of these workers needs a connection")});
    }
  }
}

bool ServesPublicClients(const ServerOptions& server) {
  if (HasPublicAddress(server.allow_from)) return true;
  return std::any_of(server.access.begin(), server.access.end(), [](const AccessRule& rule) {
    return rule.action == AccessAction::kAllow && HasPublicAddress(rule.networks);
  });
}

}  // namespace

void DeriveWorkers(Config& config) {
  config.server.workers = std::min(OwnMachineLimits().cpus, kMaxWorkers);
}

void DeriveCacheSize(Config& config) {
  size_t& size = config.server.cache.budget_bytes;
  const auto quarter = static_cast<size_t>(OwnMachineLimits().memory_bytes / 4);
  size = std::min(size, std::max(quarter, kLeastCacheSize));
}

void DeriveMaxPendingPerClient(Config& config) {
  ServerLimits& limits = config.server.limits;
  limits.max_pending_per_client = std::max(1, limits.max_pending_queries / 4 * 3);
}

void DeriveMaxStreamsPerClient(Config& config) {
  constexpr int kLeast = 16;  // A well-behaved client opens a few connections at a time.
  ServerLimits& limits = config.server.limits;
  limits.max_streams_per_client = std::max(kLeast, limits.max_stream_connections / 16);
}

void DeriveRepliesPerSecond(Config& config) {
  constexpr int kRepliesPerSecond = 50;
  ServerOptions& server = config.server;
  const bool is_public =
      ServesPublicClients(server) &&
      std::any_of(server.listen.begin(), server.listen.end(), [](const ListenOptions& listen) {
        return listen.transport == Transport::kUdp && !listen.endpoint.is_loopback();
      });
  server.reply_rate.per_second = is_public ? kRepliesPerSecond : 0;
}

void RaiseDependentLimits(ServerOptions& server) {
  const ServerLimits& limits = server.limits;
  Milliseconds& exchange_timeout = server.limits.tuning.exchange_timeout;
  exchange_timeout = std::max(exchange_timeout, limits.query_timeout);
  int& max_exchanges = server.upstream.limits.tuning.max_exchanges;
  max_exchanges = std::max(max_exchanges, limits.max_pending_queries);
}

void CheckDependencies(LoadedConfig& loaded) {
  CheckLocalZonesExcept(loaded);
  CheckBootstrap(loaded);
  CheckMaxConnections(loaded);
  CheckQueryLogDisclosure(loaded);
}

}  // namespace dotcache
