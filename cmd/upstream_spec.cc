// SPDX-License-Identifier: Apache-2.0
#include "cmd/upstream_spec.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "cmd/did_you_mean.h"
#include "cmd/presets.h"
#include "cmd/value_parsers.h"
#include "core/status_macros.h"
#include "upstream/hosts/host_answer.h"

namespace dotcache {
namespace {

constexpr absl::string_view kKeys[] = {
    "preset", "host", "addresses", "name",   "pins",    "pins-file",     "ca",
    "cert",   "key",  "insecure",  "weight", "metered", "legacy-crypto", "max-connections"};
constexpr absl::string_view kExample = "tls://9.9.9.9#dns.quad9.net";

std::string PresetNames() {
  return absl::StrJoin(Presets(), ", ", [](std::string* out, const Preset& preset) {
    absl::StrAppend(out, preset.name);
  });
}

UpstreamServerOptions MakeServer(const Endpoint& endpoint, absl::string_view name,
                                 absl::string_view provider) {
  UpstreamServerOptions server;
  server.endpoint = endpoint;
  server.identity.authentication_name = std::string(name);
  server.identity.address = endpoint.AddressToString();
  server.provider = std::string(provider.empty() ? endpoint.ToString() : provider);
  return server;
}

std::vector<UpstreamServerOptions> FromPreset(const Preset& preset) {
  std::vector<UpstreamServerOptions> servers;
  for (absl::string_view address : preset.addresses) {
    servers.push_back(MakeServer(*Endpoint::ParseAddress(address, kDotPort),
                                 preset.authentication_name, preset.name));
  }
  return servers;
}

// HOST[:PORT] as all slots of the host. The port is 0 when the text has none.
absl::StatusOr<std::vector<UpstreamServerOptions>> ParseHost(absl::string_view text,
                                                             absl::string_view name) {
  const size_t colon = text.find(':');
  ASSIGN_OR_RETURN(const std::string host, ParseAuthenticationName(text.substr(0, colon)));
  int64_t port = 0;
  if (colon != absl::string_view::npos) {
    ASSIGN_OR_RETURN(port, ParseInteger(text.substr(colon + 1), 1, 65535));
  }
  Endpoint unresolved;
  unresolved.set_port(static_cast<uint16_t>(port));
  std::vector<UpstreamServerOptions> slots;
  for (size_t slot = 0; slot < kMaxHostAddresses; ++slot) {
    slots.push_back(MakeServer(unresolved, name.empty() ? host : name, host));
    slots.back().host = host;
    slots.back().slot = static_cast<int>(slot);
  }
  return slots;
}

// The last label of a host name is not a number (RFC 1123 section 2.1). A text with such a label is
// a mistyped address.
bool LooksLikeHost(absl::string_view text) {
  if (absl::StrContains(text, '%') || std::count(text.begin(), text.end(), ':') > 1) return false;
  const absl::string_view host = absl::StripSuffix(text.substr(0, text.find(':')), ".");
  const absl::string_view last = host.substr(host.rfind('.') + 1);
  return ParseAuthenticationName(host).ok() && !std::all_of(last.begin(), last.end(), [](char c) {
           return absl::ascii_isdigit(static_cast<unsigned char>(c));
         });
}

// ADDR@PORT, as unbound writes it, or ADDR:PORT.
absl::StatusOr<Endpoint> ParseEndpoint(absl::string_view text, uint16_t default_port) {
  const size_t at = text.find('@');
  constexpr auto kMayComeLater = Endpoint::Interface::kMayComeLater;
  if (at == absl::string_view::npos) return Endpoint::Parse(text, default_port, kMayComeLater);
  ASSIGN_OR_RETURN(const int64_t port, ParseInteger(text.substr(at + 1), 1, 65535));
  return Endpoint::ParseAddress(text.substr(0, at), static_cast<uint16_t>(port), kMayComeLater);
}

absl::StatusOr<Endpoint> ParseServerAddress(absl::string_view text, uint16_t default_port) {
  absl::StatusOr<Endpoint> endpoint = ParseEndpoint(text, default_port);
  if (!endpoint.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        endpoint.status().message(), "; a server is written with its IP address, as ", kExample));
  }
  if (endpoint->port() == 0 || endpoint->is_wildcard()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", endpoint->AddressToString(), "\" is not an address to connect to; write ", kExample));
  }
  if (endpoint->is_link_local() && endpoint->interface().empty() && endpoint->zone() == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", endpoint->AddressToString(),
                     "\" is a link-local address, which needs its interface; write e.g. [",
                     endpoint->AddressToString(), "%eth0]:", endpoint->port()));
  }
  return endpoint;
}

// Splits ADDR%NAME[:PORT], as CoreDNS writes it, into ADDR:PORT and NAME. A link-local address has
// an interface there (fe80::1%eth0.100), and the interface of another address has no dot.
bool SplitCoreDns(absl::string_view text, std::string& address, std::string& name) {
  const size_t percent = text.find('%');
  if (percent == absl::string_view::npos) return false;
  const absl::StatusOr<Endpoint> written = Endpoint::ParseAddress(text.substr(0, percent), 0);
  if (written.ok() && written->is_link_local()) return false;
  absl::string_view rest = text.substr(percent + 1);
  if (!absl::StrContains(rest, '.') || absl::StrContains(rest, ']')) return false;
  address = std::string(text.substr(0, percent));
  const size_t colon = rest.find(':');
  name = std::string(rest.substr(0, colon));
  if (colon != absl::string_view::npos) {
    const bool bare_v6 = absl::StrContains(address, ':') && !absl::StrContains(address, '[');
    address = absl::StrCat(bare_v6 ? absl::StrCat("[", address, "]") : address, rest.substr(colon));
  }
  return true;
}

absl::StatusOr<std::vector<UpstreamServerOptions>> ParseTlsText(absl::string_view text,
                                                                absl::string_view rest,
                                                                bool has_scheme) {
  std::string address(rest);
  std::string name;
  const size_t hash = rest.find('#');
  bool has_name = hash != absl::string_view::npos;
  if (has_name) {
    address = std::string(rest.substr(0, hash));
    name = std::string(rest.substr(hash + 1));
  } else {
    has_name = SplitCoreDns(rest, address, name);
  }
  if (!has_scheme && !has_name) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" is neither a preset (", PresetNames(),
                     ") nor an address with its authentication name; write ", kExample,
                     ", or tls://ADDR to check the certificate's IP address"));
  }
  if (has_scheme && LooksLikeHost(address)) {
    if (has_name) {
      ASSIGN_OR_RETURN(name, ParseAuthenticationName(name));
    }
    return ParseHost(address, name);
  }
  ASSIGN_OR_RETURN(const Endpoint endpoint, ParseServerAddress(address, kDotPort));
  if (has_name) {
    ASSIGN_OR_RETURN(name, ParseAuthenticationName(name));
  } else if (endpoint.is_link_local() && !absl::StartsWith(address, "[")) {
    const std::string bracketed = absl::StrCat("tls://[", address, "]");
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", text, "\" may mean an interface or an authentication name; write ", bracketed,
        ":853#dns.example.net, or ", bracketed, " to check the certificate's IP address"));
  }
  return std::vector<UpstreamServerOptions>{MakeServer(endpoint, name, name)};
}

// A server in clear text.
absl::StatusOr<std::vector<UpstreamServerOptions>> ParseClassicText(absl::string_view text,
                                                                    absl::string_view address,
                                                                    Transport transport) {
  if (absl::StrContains(address, '#')) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", text, "\" has an authentication name, but clear text has no authentication; remove ",
        "the name, or write tls://"));
  }
  ASSIGN_OR_RETURN(const Endpoint endpoint, ParseServerAddress(address, kClassicPort));
  UpstreamServerOptions server = MakeServer(endpoint, "", "");
  server.transport = transport;
  return std::vector<UpstreamServerOptions>{std::move(server)};
}

// Reads the map form of a provider.
class MapReader {
 public:
  MapReader(const ConfigValue& value, std::vector<ConfigError>& errors)
      : value_(value), errors_(errors) {}

  std::vector<UpstreamServerOptions> Read() {
    for (const auto& [key, entry] : value_.map) ReadKey(key, entry);
    if (has_preset_ + has_host_ + has_addresses_ != 1 && !failed_) {
      Fail(value_.origin, "upstream", "needs one of `preset`, `host` and `addresses`");
    }
    if (has_preset_ && !name_.empty()) {
      Fail(value_.origin, "name", "is for `addresses` or `host`; a preset has its own name");
    }
    if (insecure_ && !(pins_.empty() && files_["pins-file"].empty())) {
      Fail(value_.origin, "insecure",
           absl::StrCat("contradicts `", pins_.empty() ? "pins-file" : "pins",
                        "`; pins accept a self-signed certificate without it"));
    }
    for (const auto& [key, missing] : {std::pair("cert", "key"), std::pair("key", "cert")}) {
      if (files_[key].empty() || !files_[missing].empty()) continue;
      Fail(value_.origin, key, absl::StrCat("needs `", missing, "` beside it"));
    }
    for (UpstreamServerOptions& server : servers_) Apply(server);
    return failed_ ? std::vector<UpstreamServerOptions>() : servers_;
  }

 private:
  void ReadKey(const std::string& key, const ConfigValue& entry) {
    if (std::find(std::begin(kKeys), std::end(kKeys), key) == std::end(kKeys)) {
      return Fail(entry.origin, key, absl::StrCat("unknown key", DidYouMean(key, kKeys)));
    }
    const bool is_list = entry.kind == ConfigValue::Kind::kList;
    const bool may_be_list = key == "addresses" || key == "pins";
    if (is_list && !may_be_list) return Fail(entry.origin, key, "must be one value, not a list");
    if (is_list && entry.list.empty()) return Fail(entry.origin, key, "is an empty list");
    for (const ConfigValue* element : entry.Elements()) {
      if (element->kind != ConfigValue::Kind::kScalar) {
        return Fail(element->origin, key, "must be text or a list of texts");
      }
      if (absl::Status status = ReadScalar(key, element->scalar); !status.ok()) {
        Fail(element->origin, key, status.message());
      }
    }
  }

  absl::Status ReadScalar(absl::string_view key, const std::string& text) {
    if (key == "preset") {
      const Preset* preset = FindPreset(text);
      if (preset == nullptr) {
        return absl::InvalidArgumentError(
            absl::StrCat("\"", text, "\" is not one of ", PresetNames()));
      }
      has_preset_ = true;
      const std::vector<UpstreamServerOptions> servers = FromPreset(*preset);
      servers_.insert(servers_.end(), servers.begin(), servers.end());
    } else if (key == "host") {
      if (!LooksLikeHost(text)) {
        return absl::InvalidArgumentError(absl::StrCat(
            "\"", text,
            "\" is not a host name such as dns.quad9.net; write an address under `addresses`"));
      }
      ASSIGN_OR_RETURN(const std::vector<UpstreamServerOptions> slots, ParseHost(text, ""));
      has_host_ = true;
      servers_.insert(servers_.end(), slots.begin(), slots.end());
    } else if (key == "addresses") {
      ASSIGN_OR_RETURN(const Endpoint endpoint, ParseServerAddress(text, kDotPort));
      has_addresses_ = true;
      servers_.push_back(MakeServer(endpoint, "", ""));
    } else if (key == "name") {
      ASSIGN_OR_RETURN(name_, ParseAuthenticationName(text));
    } else if (key == "pins") {
      ASSIGN_OR_RETURN(const SpkiPin pin, SpkiPin::Parse(text));
      pins_.push_back(pin);
    } else if (key == "ca" || key == "cert" || key == "key" || key == "pins-file") {
      ASSIGN_OR_RETURN(files_[std::string(key)], ParsePath(text));
    } else if (key == "weight") {
      ASSIGN_OR_RETURN(const int64_t weight, ParseInteger(text, 1, 1000));
      weight_ = static_cast<int>(weight);
    } else if (key == "max-connections") {
      ASSIGN_OR_RETURN(const int64_t most, ParseInteger(text, 1, 1000));
      max_connections_ = static_cast<int>(most);
    } else if (key == "metered") {
      ASSIGN_OR_RETURN(metered_, ParseSwitch(text));
    } else if (key == "legacy-crypto") {
      ASSIGN_OR_RETURN(legacy_crypto_, ParseSwitch(text));
    } else {
      ASSIGN_OR_RETURN(insecure_, ParseSwitch(text));
    }
    return absl::OkStatus();
  }

  void Apply(UpstreamServerOptions& server) {
    if (!name_.empty()) {
      server.identity.authentication_name = name_;
      if (server.host.empty()) server.provider = name_;
    }
    server.identity.pins = pins_;
    server.identity.insecure = insecure_;
    server.identity.legacy_crypto = legacy_crypto_;
    server.ca_file = files_["ca"];
    server.certificate_file = files_["cert"];
    server.key_file = files_["key"];
    server.pins_file = files_["pins-file"];
    server.weight = weight_;
    server.metered = metered_;
    server.max_connections = max_connections_;
  }

  void Fail(const ConfigOrigin& origin, absl::string_view key, absl::string_view message) {
    failed_ = true;
    errors_.push_back({origin, std::string(key), std::string(message)});
  }

  const ConfigValue& value_;
  std::vector<ConfigError>& errors_;
  std::vector<UpstreamServerOptions> servers_;
  bool has_preset_ = false;
  bool has_host_ = false;
  bool has_addresses_ = false;
  std::string name_;
  std::vector<SpkiPin> pins_;
  std::map<std::string, std::string> files_;  // By key.
  bool insecure_ = false;
  bool legacy_crypto_ = false;
  int weight_ = 1;
  bool metered_ = false;
  int max_connections_ = 0;
  bool failed_ = false;
};

}  // namespace

absl::StatusOr<std::vector<UpstreamServerOptions>> ParseUpstreamText(absl::string_view text,
                                                                     ClearText clear_text) {
  if (const Preset* preset = FindPreset(text)) return FromPreset(*preset);
  absl::string_view rest = text;
  for (const auto& [scheme, transport] :
       {std::pair("udp://", Transport::kUdp), std::pair("tcp://", Transport::kTcp)}) {
    if (!absl::ConsumePrefix(&rest, scheme)) continue;
    if (clear_text == ClearText::kRefused) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", text, "\" is clear text, which only `zones` and `bootstrap` may use; ",
                       "providers need DNS over TLS: write ", kExample));
    }
    return ParseClassicText(text, rest, transport);
  }
  const bool has_scheme = absl::ConsumePrefix(&rest, "tls://");
  if (!has_scheme && absl::StrContains(rest, "://")) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" has an unknown scheme; write ", kExample,
                     ", or for a private zone udp://ADDR or tcp://ADDR"));
  }
  return ParseTlsText(text, rest, has_scheme);
}

std::vector<UpstreamServerOptions> ParseUpstreamValue(const ConfigValue& value,
                                                      ClearText clear_text,
                                                      std::vector<ConfigError>& errors) {
  if (value.kind == ConfigValue::Kind::kMap) return MapReader(value, errors).Read();
  if (value.kind == ConfigValue::Kind::kList) {
    errors.push_back({value.origin, "upstream", "must be text or a map, not a list in a list"});
    return {};
  }
  absl::StatusOr<std::vector<UpstreamServerOptions>> servers =
      ParseUpstreamText(value.scalar, clear_text);
  if (servers.ok()) return *std::move(servers);
  errors.push_back({value.origin, "upstream", std::string(servers.status().message())});
  return {};
}

absl::Span<const absl::string_view> UpstreamKeys() { return kKeys; }

}  // namespace dotcache
