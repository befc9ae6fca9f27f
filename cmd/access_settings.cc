// SPDX-License-Identifier: Apache-2.0
#include "cmd/access_settings.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cmd/did_you_mean.h"
#include "cmd/list_kinds.h"
#include "cmd/value_parsers.h"
#include "cmd/words.h"
#include "cmd/yaml_text.h"
#include "core/status_macros.h"

namespace dotcache {
namespace {

constexpr absl::string_view kRuleKeys[] = {"network", "action",      "zone",
                                           "listen",  "client-rate", "client-burst"};
constexpr size_t kMaxCombinations = 2048;  // Of network, zone and listener, in all rules together.

// A rule while it is read.
struct RuleInProgress {
  AccessRule rule;
  bool has_action = false;
  std::optional<int> rate;
  std::optional<int> burst;
};

absl::Status AddListeners(absl::string_view text, const std::vector<ListenOptions>& all,
                          AccessRule& rule) {
  ASSIGN_OR_RETURN(const std::vector<ListenOptions> named, ParseListen(text));
  for (const ListenOptions& listen : named) {
    const bool exists = std::any_of(all.begin(), all.end(), [&listen](const ListenOptions& own) {
      return own.transport == listen.transport && own.endpoint == listen.endpoint;
    });
    if (!exists) {
      return absl::InvalidArgumentError(absl::StrCat(SchemeOf(listen.transport), "://",
                                                     listen.endpoint.ToString(),
                                                     " is not one of the addresses of `listen`"));
    }
    rule.listeners.push_back({listen.transport, listen.endpoint});
  }
  return absl::OkStatus();
}

absl::Status SetNumber(const ConfigValue& value, int64_t min, int64_t max,
                       std::optional<int>& number) {
  if (value.kind != ConfigValue::Kind::kScalar) {
    return absl::InvalidArgumentError("must be one value, not a list or a map");
  }
  ASSIGN_OR_RETURN(const int64_t parsed, ParseInteger(value.scalar, min, max));
  number = static_cast<int>(parsed);
  return absl::OkStatus();
}

absl::Status SetAction(const ConfigValue& value, RuleInProgress& rule) {
  rule.has_action = true;
  if (value.kind != ConfigValue::Kind::kScalar) {
    return absl::InvalidArgumentError("must be one value, not a list or a map");
  }
  ASSIGN_OR_RETURN(rule.rule.action, ParseWord(value.scalar, kAccessActionWords));
  return absl::OkStatus();
}

// Reads the lists of a rule. Returns false for another key.
bool ReadListOf(absl::string_view key, const ConfigValue& value, AccessRule& rule,
                LoadedConfig& loaded) {
  const auto read = [&](absl::FunctionRef<absl::Status(const std::string& text)> add) {
    RefuseEmptyList(value, key, loaded);
    ForEachText(value, key, loaded,
                [&add](const ConfigValue& element) { return add(element.scalar); });
    return true;
  };
  if (key == "network") {
    return read([&rule](const std::string& text) {
      ASSIGN_OR_RETURN(rule.networks.emplace_back(), AddressPrefix::Parse(text));
      return absl::OkStatus();
    });
  }
  if (key == "zone") {
    return read([&rule](const std::string& text) {
      ASSIGN_OR_RETURN(const DomainName zone, DomainName::FromText(text));
      rule.zones.push_back(zone.Canonical());
      return absl::OkStatus();
    });
  }
  if (key != "listen") return false;
  return read([&](const std::string& text) {
    return AddListeners(text, loaded.config.server.listen, rule);
  });
}

void CheckRule(const ConfigValue& value, const RuleInProgress& rule, LoadedConfig& loaded) {
  const auto fail_above = [&](absl::string_view key, size_t count, size_t max) {
    if (count <= max) return;
    loaded.Fail(value, key, absl::StrCat("has more than ", max, " elements"));
  };
  fail_above("network", rule.rule.networks.size(), AccessPolicy::kMaxPrefixes);
  fail_above("zone", rule.rule.zones.size(), AccessPolicy::kMaxZones);
  if (!rule.has_action) {
    loaded.Fail(value, "access", "needs `action`, which is allow, refuse or drop");
  }
  const bool has_rate = rule.rate.has_value() || rule.burst.has_value();
  if (has_rate && rule.has_action && rule.rule.action != AccessAction::kAllow) {
    loaded.Fail(value, "access", "has a rate without effect: only `action: allow` has one");
  } else if (rule.burst.has_value() && !rule.rate.has_value()) {
    loaded.Fail(value, "access", "has `client-burst` and needs `client-rate`");
  }
}

void ReadRule(const ConfigValue& value, LoadedConfig& loaded) {
  if (value.kind != ConfigValue::Kind::kMap) {
    return loaded.Fail(value, "access", "must be a list of maps with `network` and `action`");
  }
  RuleInProgress rule;
  bool has_network = false;
  for (const auto& [key, entry] : value.map) {
    has_network |= key == "network";
    if (ReadListOf(key, entry, rule.rule, loaded)) continue;
    absl::Status status;
    if (key == "action") {
      status = SetAction(entry, rule);
    } else if (key == "client-rate") {
      status = SetNumber(entry, 0, kMaxClientRate, rule.rate);
    } else if (key == "client-burst") {
      status = SetNumber(entry, 1, kMaxClientBurst, rule.burst);
    } else {
      status = absl::InvalidArgumentError(absl::StrCat("unknown key", DidYouMean(key, kRuleKeys)));
    }
    if (!status.ok()) loaded.Fail(entry, key, status.message());
  }
  if (!has_network) loaded.Fail(value, "access", "needs `network`, the addresses of its clients");
  CheckRule(value, rule, loaded);
  if (rule.rate.has_value()) rule.rule.client_rate = {*rule.rate, rule.burst.value_or(0)};
  loaded.config.server.access.push_back(std::move(rule.rule));
}

template <typename Value, typename Print>
void FormatKey(absl::string_view key, const std::vector<Value>& values, Print print,
               std::string& out) {
  if (values.empty()) return;
  const std::string texts = absl::StrJoin(
      values, ", ",
      [&print](std::string* text, const Value& value) { *text += YamlQuoted(print(value)); });
  absl::StrAppend(&out, "    ", key, ": [", texts, "]\n");
}

}  // namespace

void ReadAccess(const ConfigValue& value, LoadedConfig& loaded) {
  const std::vector<AccessRule>& rules = loaded.config.server.access;
  for (const ConfigValue* element : value.Elements()) ReadRule(*element, loaded);
  if (rules.size() > AccessPolicy::kMaxRules) {
    loaded.Fail(value, "access", absl::StrCat("has more than ", AccessPolicy::kMaxRules, " rules"));
  }
  size_t combinations = 0;
  for (const AccessRule& rule : rules) {
    combinations += rule.networks.size() * std::max<size_t>(rule.zones.size(), 1) *
                    std::max<size_t>(rule.listeners.size(), 1);
  }
  if (combinations > kMaxCombinations) {
    loaded.Fail(value, "access",
                absl::StrCat("has more than ", kMaxCombinations,
                             " combinations of a network, a zone and a listener"));
  }
}

std::string FormatAccess(const Config& config) {
  if (config.server.access.empty()) return "";
  std::string out = "access:\n";
  for (const AccessRule& rule : config.server.access) {
    absl::StrAppend(&out, "  - action: ", AccessActionName(rule.action), "\n");
    FormatKey(
        "network", rule.networks, [](const auto& network) { return network.ToString(); }, out);
    FormatKey(
        "zone", rule.zones, [](const auto& zone) { return zone.ToString(); }, out);
    FormatKey(
        "listen", rule.listeners,
        [](const auto& listener) {
          return absl::StrCat(SchemeOf(listener.transport), "://", listener.endpoint.ToString());
        },
        out);
    if (!rule.client_rate.has_value()) continue;
    absl::StrAppend(&out, "    client-rate: ", rule.client_rate->per_second, "\n");
    if (rule.client_rate->burst == 0) continue;
    absl::StrAppend(&out, "    client-burst: ", rule.client_rate->burst, "\n");
  }
  return out;
}

}  // namespace dotcache
