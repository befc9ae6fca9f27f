// SPDX-License-Identifier: Apache-2.0
#include "cmd/upstream_warnings.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace dotcache {
namespace {

// Warns of each server whose identity has `flaw` set.
void AddEach(const Config& config, bool TlsPeerIdentity::*flaw, absl::string_view danger,
             std::vector<UpstreamWarning>& warnings) {
  for (const UpstreamZoneOptions& zone : config.server.upstream.zones) {
    for (const UpstreamServerOptions& upstream : zone.servers) {
      if (!(upstream.identity.*flaw) || upstream.slot > 0) continue;
      warnings.push_back({LogLevel::kWarn,
                          absl::StrCat("upstream ", danger),
                          {"provider", upstream.provider},
                          {"address", PlaceOf(upstream)}});
    }
  }
  for (const UpstreamServerOptions& bootstrap : config.server.upstream.bootstrap) {
    if (!(bootstrap.identity.*flaw)) continue;
    warnings.push_back({LogLevel::kWarn,
                        absl::StrCat("bootstrap ", danger),
                        {"address", bootstrap.endpoint.ToString()}});
  }
}

// One line for each zone, as a reminder of the operator's decision.
void AddClearText(const Config& config, std::vector<UpstreamWarning>& warnings) {
  for (const UpstreamZoneOptions& zone : config.server.upstream.zones) {
    std::vector<std::string> addresses;
    for (const UpstreamServerOptions& upstream : zone.servers) {
      if (upstream.transport == Transport::kDot) continue;
      addresses.push_back(
          absl::StrCat(TransportName(upstream.transport), "://", upstream.endpoint.ToString()));
    }
    if (addresses.empty()) continue;
    warnings.push_back({LogLevel::kInfo,
                        "zone is queried in clear text",
                        {"zone", zone.zone.ToString()},
                        {"addresses", absl::StrJoin(addresses, ",")}});
  }
}

}  // namespace

std::string PlaceOf(const UpstreamServerOptions& upstream) {
  return upstream.host.empty() ? upstream.endpoint.ToString() : "resolved by bootstrap";
}

std::vector<UpstreamWarning> UpstreamWarnings(const Config& config) {
  std::vector<UpstreamWarning> warnings;
  AddEach(config, &TlsPeerIdentity::insecure,
          "is not authenticated: queries can be read and responses forged on the path", warnings);
  AddEach(config, &TlsPeerIdentity::legacy_crypto,
          "may use RSA keys under 2048 bits and SHA-1, which can be forged", warnings);
  AddClearText(config, warnings);
  return warnings;
}

void LogUpstreamWarnings(const Config& config, const Config& before) {
  const std::vector<UpstreamWarning> known = UpstreamWarnings(before);
  for (const UpstreamWarning& warning : UpstreamWarnings(config)) {
    if (std::find(known.begin(), known.end(), warning) != known.end()) continue;
    const LogField first(warning.first.key, warning.first.value);
    if (warning.second.key.empty()) {
      Log(warning.level, warning.text, {first});
    } else {
      Log(warning.level, warning.text, {first, {warning.second.key, warning.second.value}});
    }
  }
}

}  // namespace dotcache
