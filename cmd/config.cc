// SPDX-License-Identifier: Apache-2.0
#include "cmd/config.h"

#include <algorithm>
#include <thread>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "cmd/did_you_mean.h"
#include "cmd/outgoing_settings.h"
#include "cmd/settings.h"
#include "cmd/upstream_settings.h"
#include "cmd/value_parsers.h"
#include "core/status_macros.h"
#include "local/local_zones.h"

namespace dotcache {
namespace {

// Each setting's value from the source that wins.
using Values = absl::flat_hash_map<std::string, ConfigValue>;

const Setting* FindSetting(absl::string_view key) {
  for (const Setting& setting : Settings()) {
    if (setting.key == key) return &setting;
  }
  return nullptr;
}

Values CollectValues(const ConfigSources& sources, std::vector<ConfigError>& errors) {
  Values values;
  if (!sources.file.empty()) {
    ConfigFile file = ReadConfigFile(sources.file);
    errors = std::move(file.errors);
    for (auto& [key, value] : file.root.map) {
      if (FindSetting(key) == nullptr) {
        errors.push_back(
            {value.origin, key, absl::StrCat("unknown key", DidYouMean(key, SettingKeys()))});
      }
      values[key] = std::move(value);
    }
  }
  for (const Setting& setting : Settings()) {
    if (setting.yaml_only) continue;
    const std::string name = EnvironmentName(setting.key);
    const std::optional<std::string> text = sources.environment(name);
    if (!text.has_value() || text->empty()) continue;
    values[setting.key] =
        setting.is_list ? ConfigValue::CommaList(*text, name) : ConfigValue::Scalar(*text, name);
  }
  for (const auto& [key, texts] : sources.flags) {
    const ConfigOrigin origin = absl::StrCat("--", key);
    ConfigValue list;
    list.kind = ConfigValue::Kind::kList;
    list.origin = origin;
    for (const std::string& text : texts) list.list.push_back(ConfigValue::Scalar(text, origin));
    if (!list.list.empty()) values[key] = FindSetting(key)->is_list ? list : list.list.back();
  }
  return values;
}

// Interprets the collected values one setting after another.
class Loader {
 public:
  Loader(Values values, LoadedConfig& loaded)
      : values_(std::move(values)), loaded_(loaded), server_(loaded.config.server) {}

  void Load() {
    LoadListen();
    LoadFile("listen-cert", server_.listen_certificate_file, loaded_.origins.listen_cert);
    LoadFile("listen-key", server_.listen_key_file, loaded_.origins.listen_key);
    LoadFile("upstream-ca", server_.upstream_ca_file, loaded_.origins.upstream_ca);
    LoadUpstreams({Find("upstream"), Find("policy"), Find("zones"), Find("bootstrap")}, loaded_);
    LoadOutgoing(Find("upstream-source"), ScalarOf("upstream-mark"), loaded_);
    LoadLocalNames();
    LoadAccess();
    LoadOwnAnswers();
    LoadNumbers();
    LoadCache();
    LoadAdminAndLog();
  }

 private:
  // The scalar under `key`, or null when it is not set or no scalar (an error then).
  const ConfigValue* ScalarOf(absl::string_view key) {
    const auto it = values_.find(key);
    if (it == values_.end()) return nullptr;
    if (it->second.kind != ConfigValue::Kind::kScalar) {
      Fail(it->second, key, "must be one value, not a list or a map");
      return nullptr;
    }
    return &it->second;
  }

  // Null when it is not set.
  const ConfigValue* Find(absl::string_view key) const {
    const auto it = values_.find(key);
    return it == values_.end() ? nullptr : &it->second;
  }

  std::vector<const ConfigValue*> ElementsOf(absl::string_view key) {
    const auto it = values_.find(key);
    return it == values_.end() ? std::vector<const ConfigValue*>() : it->second.Elements();
  }

  void Fail(const ConfigValue& value, absl::string_view key, absl::string_view message) {
    loaded_.errors.push_back({value.origin, std::string(key), std::string(message)});
  }

  // Parses the scalar under `key` with `parse` and stores it through `store`.
  template <typename Parse, typename Store>
  void Take(absl::string_view key, Parse parse, Store store) {
    const ConfigValue* value = ScalarOf(key);
    if (value == nullptr) return;
    auto parsed = parse(value->scalar);
    if (!parsed.ok()) return Fail(*value, key, parsed.status().message());
    store(*parsed);
  }

  void TakeInteger(absl::string_view key, int64_t min, int64_t max,
                   absl::FunctionRef<void(int64_t)> store) {
    Take(
        key, [min, max](absl::string_view text) { return ParseInteger(text, min, max); }, store);
  }

  void TakeDuration(absl::string_view key, Milliseconds min, Milliseconds max,
                    absl::FunctionRef<void(Milliseconds)> store) {
    Take(
        key,
        [min, max](absl::string_view text) -> absl::StatusOr<Milliseconds> {
          ASSIGN_OR_RETURN(const Milliseconds duration, ParseDuration(text));
          if (duration >= min && duration <= max) return duration;
          return absl::InvalidArgumentError(absl::StrCat(
              "\"", text, "\" is not within ", FormatDuration(min), " to ", FormatDuration(max)));
        },
        store);
  }

  // For what counts in whole seconds: a fraction would be lost, and 0 often means something else.
  void TakeSeconds(absl::string_view key, Seconds min, Seconds max, Seconds& target) {
    TakeDuration(key, min, max, [&](Milliseconds duration) {
      const Seconds seconds = std::chrono::duration_cast<Seconds>(duration);
      if (seconds == duration) {
        target = seconds;
        return;
      }
      const ConfigValue& value = *Find(key);
      Fail(value, key, absl::StrCat("\"", value.scalar, "\" is not a whole number of seconds"));
    });
  }

  void LoadFile(absl::string_view key, std::string& file, ConfigOrigin& origin) {
    const ConfigValue* value = ScalarOf(key);
    if (value == nullptr) return;
    if (value->scalar.empty()) return Fail(*value, key, "is empty; write a file's path");
    file = value->scalar;
    origin = value->origin;
  }

  void LoadListen() {
    const auto configured = ElementsOf("listen");
    for (const ConfigValue* element : configured) {
      if (element->kind != ConfigValue::Kind::kScalar) {
        Fail(*element, "listen", "must be text such as 127.0.0.1:53");
        continue;
      }
      const auto listeners = ParseListen(element->scalar);
      if (!listeners.ok()) {
        Fail(*element, "listen", listeners.status().message());
        continue;
      }
      for (const ListenOptions& listen : *listeners) AddListener(listen, element->origin);
    }
    if (values_.contains("listen")) {
      if (configured.empty()) Fail(values_["listen"], "listen", "is empty; name a listener");
      return;
    }
    for (absl::string_view text : {"127.0.0.1:53", "[::1]:53"}) {
      const std::vector<ListenOptions> listeners = *ParseListen(text);
      for (ListenOptions listen : listeners) {
        listen.optional = listen.endpoint.is_v6();
        AddListener(listen, "default");
      }
    }
  }

  void AddListener(const ListenOptions& listen, const ConfigOrigin& origin) {
    const bool twice =
        listen.endpoint.port() != 0 &&
        std::any_of(server_.listen.begin(), server_.listen.end(), [&](const ListenOptions& other) {
          const bool same_kind =
              (listen.transport == Transport::kUdp) == (other.transport == Transport::kUdp);
          return same_kind && listen.endpoint == other.endpoint;
        });
    if (twice) {
      loaded_.errors.push_back(
          {origin, "listen", absl::StrCat(listen.endpoint.ToString(), " is listed twice")});
      return;
    }
    server_.listen.push_back(listen);
    loaded_.origins.listen.push_back(origin);
  }

  void LoadLocalNames() {
    Take("local-zones", ParseSwitch, [this](bool on) { server_.local_zones = on; });
    TakeSeconds("local-ttl", Seconds(0), Seconds(7 * 86400), server_.local_data.ttl);
    for (const ConfigValue* element : ElementsOf("hosts-file")) {
      if (element->kind != ConfigValue::Kind::kScalar || element->scalar.empty()) {
        Fail(*element, "hosts-file", "must be a file's path");
        continue;
      }
      server_.local_data.hosts_files.push_back(element->scalar);
      loaded_.origins.hosts_file = element->origin;
    }
    for (const ConfigValue* element : ElementsOf("records")) {
      if (element->kind != ConfigValue::Kind::kScalar) {
        Fail(*element, "records", "must be text such as \"printer.corp.example. A 10.0.0.7\"");
        continue;
      }
      server_.local_data.records.push_back(element->scalar);
      loaded_.origins.records.push_back(element->origin);
    }
    for (const ConfigValue* element : ElementsOf("local-zones-except")) {
      if (!server_.local_zones) {
        return Fail(*element, "local-zones-except",
                    "has no effect where `local-zones` is off, which forwards all of them; leave "
                    "one of the two out");
      }
      const auto name = DomainName::FromText(element->scalar);
      if (name.ok() && LocalZones::HoldsZoneAtOrBelow(*name)) {
        server_.local_zones_except.push_back(name->Canonical());
        continue;
      }
      Fail(*element, "local-zones-except",
           absl::StrCat("\"", element->scalar, "\" is no zone that is answered here",
                        DidYouMean(element->scalar, LocalZones::Names())));
    }
  }

  void LoadAccess() {
    if (!values_.contains("allow-from")) return;
    server_.allow_from.clear();
    for (const ConfigValue* element : ElementsOf("allow-from")) {
      const auto prefix = AddressPrefix::Parse(element->scalar);
      if (prefix.ok()) {
        server_.allow_from.push_back(*prefix);
      } else {
        Fail(*element, "allow-from", prefix.status().message());
      }
    }
    if (server_.allow_from.size() > AccessPolicy::kMaxPrefixes) {
      Fail(values_["allow-from"], "allow-from",
           absl::StrCat("more than ", AccessPolicy::kMaxPrefixes, " ranges"));
    }
  }

  void LoadOwnAnswers() {
    OwnAnswersOptions& own = server_.own_answers;
    Take("identity", ParseOwnText, [&own](const std::string& text) { own.identity = text; });
    Take("version-text", ParseOwnText,
         [&own](const std::string& text) { own.version_text = text; });
    Take("any", ParseMinimalAny, [&own](bool minimal) { own.minimal_any = minimal; });
    Take("cookies", ParseCookieMode, [this](CookieMode mode) { server_.cookies = mode; });
    LoadFile("cookie-secret-file", server_.cookie_secret_file, loaded_.origins.cookie_secret_file);
  }

  void LoadNumbers() {
    server_.workers = std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, 256);
    ServerLimits& limits = server_.limits;
    UpstreamLimits& upstream = server_.upstream.limits;
    const auto to = [](auto& target) {
      return [&target](auto value) {
        target = static_cast<std::remove_reference_t<decltype(target)>>(value);
      };
    };
    using std::chrono_literals::operator""ms;
    using std::chrono_literals::operator""s;
    using std::chrono_literals::operator""h;
    TakeInteger("workers", 1, 256, to(server_.workers));
    TakeDuration("query-timeout", 100ms, 30s, to(limits.query_timeout));
    TakeDuration("stale-client-timeout", 0ms, 30s, to(limits.stale_client_timeout));
    limits.tuning.exchange_timeout = std::max(limits.tuning.exchange_timeout, limits.query_timeout);
    TakeInteger("max-udp-size", 512, 4096, to(limits.max_udp_payload_size));
    TakeDuration("stream-idle-timeout", 1s, 1h, to(limits.stream_idle_timeout));
    TakeInteger("max-stream-connections", 1, 1000000, to(limits.max_stream_connections));
    TakeInteger("max-pending-queries", 1, 1000000, to(limits.max_pending_queries));
    limits.max_pending_per_client = std::max(1, limits.max_pending_queries / 4 * 3);
    TakeInteger("max-pending-per-client", 1, 1000000, to(limits.max_pending_per_client));
    Take("hedge", ParseSwitch, to(upstream.hedge));
    Take("loop-check", ParseSwitch, to(server_.upstream.loop_check));
    TakeDuration("upstream-connect-timeout", 100ms, 30s, to(upstream.connect_timeout));
    TakeDuration("upstream-idle-timeout", 1s, 1h, to(upstream.idle_timeout));
    upstream.tuning.max_exchanges =
        std::max(upstream.tuning.max_exchanges, limits.max_pending_queries);
  }

  void LoadCache() {
    CacheOptions& cache = server_.cache;
    using std::chrono_literals::operator""s;
    using std::chrono_literals::operator""min;
    using std::chrono_literals::operator""h;
    Take("cache-size", ParseCacheSize, [&cache](size_t bytes) { cache.budget_bytes = bytes; });
    TakeSeconds("cache-min-ttl", 0s, 1h, cache.ttl_caps.floor);
    TakeSeconds("cache-max-ttl", 1s, 168h, cache.ttl_caps.positive);
    TakeSeconds("cache-max-negative-ttl", 1s, 24h, cache.ttl_caps.negative);
    TakeSeconds("stale-max-age", 0s, 168h, cache.stale_max_age);
    TakeSeconds("stale-ttl", 1s, 1h, cache.stale_ttl);
    TakeSeconds("stale-recheck", 1s, 1h, cache.stale_recheck);
    TakeSeconds("failure-ttl", 1s, 5min, cache.failure_ttl);
    TakeSeconds("failure-max-ttl", 1s, 5min, cache.failure_max_ttl);
    Take("prefetch", ParseSwitch, [&cache](bool on) { cache.prefetch = on; });
    TakeInteger("lru-protected-percent", 0, 95, [&cache](int64_t percent) {
      cache.lru_protected_percent = static_cast<int>(percent);
    });
  }

  static absl::StatusOr<uint64_t> ParseCacheSize(absl::string_view text) {
    ASSIGN_OR_RETURN(const uint64_t bytes, ParseSize(text));
    if (bytes == 0 || (bytes >= (1u << 20) && bytes <= (uint64_t{1} << 40))) return bytes;
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" is not 0 and not within 1MiB to 1024GiB"));
  }

  void LoadAdminAndLog() {
    loaded_.config.admin = *Endpoint::Parse("127.0.0.1:9153");
    Take("admin", ParseAdmin, [this](const std::optional<Endpoint>& admin) {
      loaded_.config.admin = admin;
      loaded_.origins.admin = values_["admin"].origin;
    });
    Take(
        "log-level",
        [](absl::string_view text) -> absl::StatusOr<LogLevel> {
          if (const auto level = ParseLogLevel(text)) return *level;
          return absl::InvalidArgumentError(
              absl::StrCat("\"", text, "\" is not one of error, warn, info or debug"));
        },
        [this](LogLevel level) { loaded_.config.log_level = level; });
  }

  static absl::StatusOr<std::optional<Endpoint>> ParseAdmin(absl::string_view text) {
    // YAML 1.1 readers take a bare `off` for false; both mean the same here.
    const std::string word = absl::AsciiStrToLower(text);
    if (word == "off" || word == "false" || word == "no") return std::optional<Endpoint>();
    ASSIGN_OR_RETURN(const Endpoint endpoint, Endpoint::Parse(text));
    return std::optional<Endpoint>(endpoint);
  }

  Values values_;
  LoadedConfig& loaded_;
  ServerOptions& server_;
};

}  // namespace

LoadedConfig LoadConfig(const ConfigSources& sources) {
  LoadedConfig loaded;
  Values values = CollectValues(sources, loaded.errors);
  Loader(std::move(values), loaded).Load();
  return loaded;
}

}  // namespace dotcache
