// SPDX-License-Identifier: Apache-2.0
#include "cmd/upstream_settings.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cmd/did_you_mean.h"
#include "cmd/upstream_spec.h"
#include "core/status_macros.h"
#include "upstream/host_answer.h"

namespace dotcache {
namespace {

constexpr size_t kMaxServersPerZone = 64;
constexpr size_t kMaxZones = 256;
constexpr absl::string_view kBootstrapExample = "tls://9.9.9.9#dns.quad9.net";
constexpr absl::string_view kZoneKeys[] = {"zone", "upstream", "policy"};
constexpr absl::string_view kPolicies =
    "balanced, fastest, round-robin, random, sequential, weighted or sticky-hash";

class Reader {
 public:
  explicit Reader(LoadedConfig& loaded)
      : loaded_(loaded), zones_(loaded.config.server.upstream.zones) {}

  void ReadRoot(const UpstreamSettings& settings) {
    UpstreamZoneOptions root;
    if (settings.policy != nullptr) ReadPolicy(*settings.policy, root);
    if (settings.upstream != nullptr) {
      ReadServers(*settings.upstream, ClearText::kRefused, root);
    } else {
      for (absl::string_view preset : {"cloudflare", "quad9", "google"}) {
        const std::vector<UpstreamServerOptions> servers =
            *ParseUpstreamText(preset, ClearText::kRefused);
        root.servers.insert(root.servers.end(), servers.begin(), servers.end());
        loaded_.origins.upstream.insert(loaded_.origins.upstream.end(), servers.size(), "default");
      }
    }
    zones_.push_back(std::move(root));
  }

  void ReadZones(const ConfigValue& value) {
    for (const ConfigValue* element : value.Elements()) ReadZone(*element);
    if (zones_.size() > kMaxZones) {
      Fail(value, "zones", absl::StrCat("more than ", kMaxZones - 1, " zones"));
    }
  }

  // After the servers, which may need it.
  void ReadBootstrap(const ConfigValue* value) {
    std::vector<UpstreamServerOptions>& bootstrap = loaded_.config.server.upstream.bootstrap;
    for (const ConfigValue* element :
         value == nullptr ? std::vector<const ConfigValue*>() : value->Elements()) {
      for (UpstreamServerOptions& server :
           ParseUpstreamValue(*element, ClearText::kAllowed, loaded_.errors)) {
        if (!server.host.empty()) {
          if (server.slot > 0) continue;
          Fail(*element, "bootstrap",
               absl::StrCat(server.host, " would have to be resolved itself; write an address, as ",
                            kBootstrapExample));
          continue;
        }
        bootstrap.push_back(std::move(server));
        loaded_.origins.bootstrap.push_back(element->origin);
      }
    }
    if (value != nullptr && value->Elements().empty()) {
      Fail(*value, "bootstrap", absl::StrCat("is empty; write ", kBootstrapExample));
    }
    if (bootstrap.size() > kMaxServersPerZone) {
      Fail(*value, "bootstrap", absl::StrCat("more than ", kMaxServersPerZone, " servers"));
    }
    if (value != nullptr) return;
    for (const Host& host : hosts_) {
      Fail(*host.written, "upstream",
           absl::StrCat(host.name, " has to be resolved, and `bootstrap` says by whom: write ",
                        "bootstrap: [", kBootstrapExample, "]; or write the address here, as ",
                        "tls://ADDR#", host.name));
    }
  }

 private:
  struct Host {
    const ConfigValue* written;
    std::string name;
  };

  static std::string TwiceText(const UpstreamServerOptions& server) {
    return absl::StrCat(server.host.empty() ? server.endpoint.ToString() : server.host,
                        " is listed twice");
  }

  void Fail(const ConfigValue& value, absl::string_view key, absl::string_view message) {
    loaded_.errors.push_back({value.origin, std::string(key), std::string(message)});
  }

  void ReadServers(const ConfigValue& value, ClearText clear_text, UpstreamZoneOptions& zone) {
    for (const ConfigValue* element : value.Elements()) {
      for (UpstreamServerOptions& server :
           ParseUpstreamValue(*element, clear_text, loaded_.errors)) {
        const bool twice =
            std::any_of(zone.servers.begin(), zone.servers.end(), [&server](const auto& other) {
              return other.endpoint == server.endpoint && other.Label() == server.Label();
            });
        if (twice) {
          if (server.slot == 0) Fail(*element, "upstream", TwiceText(server));
          continue;
        }
        if (!server.host.empty() && server.slot == 0) hosts_.push_back({element, server.host});
        zone.servers.push_back(std::move(server));
        loaded_.origins.upstream.push_back(element->origin);
      }
    }
    if (zone.servers.size() > kMaxServersPerZone) {
      Fail(value, "upstream",
           absl::StrCat("more than ", kMaxServersPerZone, " servers; a host name counts as ",
                        kMaxHostAddresses));
    }
    if (value.Elements().empty()) Fail(value, "upstream", "is empty; name a server");
  }

  void ReadZone(const ConfigValue& value) {
    if (value.kind != ConfigValue::Kind::kMap) {
      return Fail(value, "zones", "must be a list of maps with `zone` and `upstream`");
    }
    UpstreamZoneOptions zone;
    bool has_zone = false;
    bool has_servers = false;
    for (const auto& [key, entry] : value.map) {
      if (key == "upstream") {
        has_servers = true;
        ReadServers(entry, ClearText::kAllowed, zone);
      } else if (key == "zone") {
        has_zone = true;
        if (absl::Status status = SetName(entry.scalar, zone); !status.ok()) {
          Fail(entry, key, status.message());
        }
      } else if (key == "policy") {
        ReadPolicy(entry, zone);
      } else {
        Fail(entry, key, absl::StrCat("unknown key", DidYouMean(key, kZoneKeys)));
      }
    }
    if (!has_zone) Fail(value, "zones", "lacks `zone`, the name of the zone");
    if (!has_servers) Fail(value, "zones", "lacks `upstream`, the zone's servers");
    zones_.push_back(std::move(zone));
  }

  absl::Status SetName(absl::string_view text, UpstreamZoneOptions& zone) {
    ASSIGN_OR_RETURN(const DomainName name, DomainName::FromText(text));
    zone.zone = name.Canonical();
    if (zone.zone.LabelCount() == 0) {
      return absl::InvalidArgumentError("the root's servers are those of `upstream` at the top");
    }
    for (const UpstreamZoneOptions& other : zones_) {
      if (other.zone == zone.zone) {
        return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is listed twice"));
      }
    }
    return absl::OkStatus();
  }

  void ReadPolicy(const ConfigValue& value, UpstreamZoneOptions& zone) {
    if (value.kind != ConfigValue::Kind::kScalar) {
      return Fail(value, "policy", "must be one value, not a list or a map");
    }
    if (const auto policy = ParseSelectionPolicy(value.scalar)) {
      zone.policy = *policy;
      return;
    }
    Fail(value, "policy", absl::StrCat("\"", value.scalar, "\" is not one of ", kPolicies));
  }

  LoadedConfig& loaded_;
  std::vector<UpstreamZoneOptions>& zones_;
  std::vector<Host> hosts_;
};

}  // namespace

void LoadUpstreams(const UpstreamSettings& settings, LoadedConfig& loaded) {
  Reader reader(loaded);
  reader.ReadRoot(settings);
  if (settings.zones != nullptr) reader.ReadZones(*settings.zones);
  reader.ReadBootstrap(settings.bootstrap);
}

}  // namespace dotcache
