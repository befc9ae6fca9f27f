// SPDX-License-Identifier: Apache-2.0
#include "cmd/upstream_settings.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cmd/did_you_mean.h"
#include "cmd/list_kinds.h"
#include "cmd/upstream_spec.h"
#include "cmd/value_parsers.h"
#include "cmd/words.h"
#include "cmd/yaml_text.h"
#include "core/status_macros.h"
#include "upstream/hosts/host_answer.h"

namespace dotcache {
namespace {

constexpr absl::string_view kZoneKeys[] = {"zone", "upstream", "policy"};

void ReadServers(const ConfigValue& value, ClearText clear_text, UpstreamZoneOptions& zone,
                 LoadedConfig& loaded) {
  RefuseEmptyList(value, "upstream", loaded);
  for (const ConfigValue* element : value.Elements()) {
    for (UpstreamServerOptions& server : ParseUpstreamValue(*element, clear_text, loaded.errors)) {
      const bool twice =
          std::any_of(zone.servers.begin(), zone.servers.end(), [&server](const auto& other) {
            return other.endpoint == server.endpoint && other.Label() == server.Label();
          });
      if (!twice) {
        zone.servers.push_back(std::move(server));
        loaded.origins.Add("upstream", element->origin);
      } else if (server.slot == 0) {
        loaded.Fail(*element, "upstream",
                    absl::StrCat(server.host.empty() ? server.endpoint.ToString() : server.host,
                                 " is listed twice"));
      }
    }
  }
  if (zone.servers.size() > kMaxServersPerZone) {
    loaded.Fail(value, "upstream",
                absl::StrCat("more than ", kMaxServersPerZone, " servers; a host name counts as ",
                             kMaxHostAddresses));
  }
}

absl::Status SetZoneName(absl::string_view text, const std::vector<UpstreamZoneOptions>& others,
                         UpstreamZoneOptions& zone) {
  ASSIGN_OR_RETURN(const DomainName name, DomainName::FromText(text));
  zone.zone = name.Canonical();
  if (zone.zone.LabelCount() == 0) {
    return absl::InvalidArgumentError(
        "the root zone has the servers of the top-level `upstream`; write them there");
  }
  for (const UpstreamZoneOptions& other : others) {
    if (other.zone == zone.zone) {
      return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is listed twice"));
    }
  }
  return absl::OkStatus();
}

absl::Status SetPolicy(const ConfigValue& value, UpstreamZoneOptions& zone) {
  if (value.kind != ConfigValue::Kind::kScalar) {
    return absl::InvalidArgumentError("must be one value, not a list or a map");
  }
  ASSIGN_OR_RETURN(zone.policy, ParseWord(value.scalar, kPolicyWords));
  return absl::OkStatus();
}

void ReadZone(const ConfigValue& value, LoadedConfig& loaded) {
  if (value.kind != ConfigValue::Kind::kMap) {
    return loaded.Fail(value, "zones", "must be a list of maps with `zone` and `upstream`");
  }
  std::vector<UpstreamZoneOptions>& zones = loaded.config.server.upstream.zones;
  UpstreamZoneOptions zone;
  bool has_zone = false;
  bool has_servers = false;
  for (const auto& [key, entry] : value.map) {
    absl::Status status;
    if (key == "upstream") {
      has_servers = true;
      ReadServers(entry, ClearText::kAllowed, zone, loaded);
    } else if (key == "zone") {
      has_zone = true;
      status = SetZoneName(entry.scalar, zones, zone);
    } else if (key == "policy") {
      status = SetPolicy(entry, zone);
    } else {
      status = absl::InvalidArgumentError(absl::StrCat("unknown key", DidYouMean(key, kZoneKeys)));
    }
    if (!status.ok()) loaded.Fail(entry, key, status.message());
  }
  if (!has_zone) loaded.Fail(value, "zones", "needs `zone`, the name of the zone");
  if (!has_servers) loaded.Fail(value, "zones", "needs `upstream`, the servers of the zone");
  zones.push_back(std::move(zone));
}

void FormatIdentity(const UpstreamServerOptions& server, absl::string_view indent,
                    std::string& out) {
  if (!server.identity.authentication_name.empty()) {
    absl::StrAppend(&out, indent, "  name: ", server.identity.authentication_name, "\n");
  }
  if (!server.identity.pins.empty()) {
    const std::string pins = absl::StrJoin(
        server.identity.pins, ", ",
        [](std::string* text, const SpkiPin& pin) { *text += YamlQuoted(pin.ToString()); });
    absl::StrAppend(&out, indent, "  pins: [", pins, "]\n");
  }
  for (const auto& [key, file] :
       {std::pair("pins-file", &server.pins_file), std::pair("ca", &server.ca_file),
        std::pair("cert", &server.certificate_file), std::pair("key", &server.key_file)}) {
    if (file->empty()) continue;
    absl::StrAppend(&out, indent, "  ", key, ": ", YamlQuoted(*file), "\n");
  }
  if (server.identity.insecure) absl::StrAppend(&out, indent, "  insecure: true\n");
  if (server.identity.legacy_crypto) absl::StrAppend(&out, indent, "  legacy-crypto: true\n");
  if (server.weight != 1) absl::StrAppend(&out, indent, "  weight: ", server.weight, "\n");
  if (server.metered) absl::StrAppend(&out, indent, "  metered: true\n");
  if (server.max_connections != 0) {
    absl::StrAppend(&out, indent, "  max-connections: ", server.max_connections, "\n");
  }
}

void FormatServer(const UpstreamServerOptions& server, absl::string_view indent, std::string& out) {
  if (server.transport != Transport::kDot) {
    absl::StrAppend(
        &out, indent, "- ",
        YamlQuoted(absl::StrCat(SchemeOf(server.transport), "://", server.endpoint.ToString())),
        "  # clear text\n");
    return;
  }
  if (!server.host.empty()) {
    if (server.slot > 0) return;
    const uint16_t port = server.endpoint.port();
    absl::StrAppend(&out, indent, "- host: ",
                    YamlQuoted(port == 0 ? server.host : absl::StrCat(server.host, ":", port)),
                    "\n");
    FormatIdentity(server, indent, out);
    return;
  }
  absl::StrAppend(&out, indent, "- addresses: [", YamlQuoted(server.endpoint.ToString()), "]");
  if (server.provider != server.identity.authentication_name) {
    absl::StrAppend(&out, "  # ", server.provider);
  }
  absl::StrAppend(&out, "\n");
  FormatIdentity(server, indent, out);
}

std::string FormatServers(absl::string_view key, const std::vector<UpstreamServerOptions>& servers,
                          absl::string_view indent) {
  std::string out = absl::StrCat(indent, key, ":\n");
  for (const UpstreamServerOptions& server : servers) {
    FormatServer(server, absl::StrCat(indent, "  "), out);
  }
  return out;
}

}  // namespace

void ReadUpstream(const ConfigValue& value, LoadedConfig& loaded) {
  ReadServers(value, ClearText::kRefused, loaded.config.server.upstream.zones.front(), loaded);
}

std::string FormatUpstream(const Config& config) {
  return FormatServers("upstream", config.server.upstream.zones.front().servers, "");
}

void ReadBootstrap(const ConfigValue& value, LoadedConfig& loaded) {
  std::vector<UpstreamServerOptions>& bootstrap = loaded.config.server.upstream.bootstrap;
  RefuseEmptyList(value, "bootstrap", loaded);
  for (const ConfigValue* element : value.Elements()) {
    for (UpstreamServerOptions& server :
         ParseUpstreamValue(*element, ClearText::kAllowed, loaded.errors)) {
      if (server.host.empty()) {
        bootstrap.push_back(std::move(server));
        loaded.origins.Add("bootstrap", element->origin);
      } else if (server.slot == 0) {
        loaded.Fail(
            *element, "bootstrap",
            absl::StrCat(server.host, " is a host name; write an address, as ", kBootstrapExample));
      }
    }
  }
  if (bootstrap.size() > kMaxServersPerZone) {
    loaded.Fail(value, "bootstrap", absl::StrCat("more than ", kMaxServersPerZone, " servers"));
  }
}

std::string FormatBootstrap(const Config& config) {
  const std::vector<UpstreamServerOptions>& bootstrap = config.server.upstream.bootstrap;
  return bootstrap.empty() ? "" : FormatServers("bootstrap", bootstrap, "");
}

void ReadZones(const ConfigValue& value, LoadedConfig& loaded) {
  for (const ConfigValue* element : value.Elements()) ReadZone(*element, loaded);
  if (loaded.config.server.upstream.zones.size() > kMaxPrivateZones + 1) {
    loaded.Fail(value, "zones", absl::StrCat("more than ", kMaxPrivateZones, " zones"));
  }
}

std::string FormatZones(const Config& config) {
  const std::vector<UpstreamZoneOptions>& zones = config.server.upstream.zones;
  if (zones.size() == 1) return "";
  std::string out = "zones:\n";
  for (size_t i = 1; i < zones.size(); ++i) {
    absl::StrAppend(&out, "  - zone: ", YamlQuoted(zones[i].zone.ToString()),
                    "\n    policy: ", SelectionPolicyName(zones[i].policy), "\n",
                    FormatServers("upstream", zones[i].servers, "    "));
  }
  return out;
}

}  // namespace dotcache
