// SPDX-License-Identifier: Apache-2.0
#include "cmd/config.h"

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "cmd/dependent_settings.h"
#include "cmd/did_you_mean.h"
#include "cmd/settings.h"

namespace dotcache {
namespace {

// The value of each setting, from the source with the highest precedence.
using Values = absl::flat_hash_map<std::string, ConfigValue>;

void CollectFile(const std::string& path, Values& values, std::vector<ConfigError>& errors) {
  ConfigFile file = ReadConfigFile(path);
  errors = std::move(file.errors);
  for (auto& [key, value] : file.root.map) {
    if (FindSetting(key) == nullptr) {
      errors.push_back(
          {value.origin, key, absl::StrCat("unknown key", DidYouMean(key, SettingKeys()))});
    }
    values[key] = std::move(value);
  }
}

// The variables that Kubernetes sets in each pod for a Service whose name begins with "dotcache".
bool IsServiceLink(absl::string_view name) {
  return absl::EndsWith(name, "_SERVICE_HOST") || absl::StrContains(name, "_SERVICE_PORT") ||
         absl::StrContains(name, "_PORT_") || absl::EndsWith(name, "_PORT");
}

// Variables that are not settings. A misspelled one is an error, because it has no effect. Others
// may belong to another program.
void CheckVariables(const std::vector<std::string>& variables, LoadedConfig& loaded) {
  std::vector<absl::string_view> known = {"config"};
  for (const Setting& setting : Settings()) {
    if (!setting.yaml_only) known.push_back(setting.key);
  }
  for (const std::string& name : variables) {
    std::string key = absl::AsciiStrToLower(absl::StripPrefix(name, "DOTCACHE_"));
    absl::c_replace(key, '_', '-');
    if (absl::c_linear_search(known, key) || key == "test-delay") continue;
    if (IsServiceLink(name)) {
      loaded.warnings.push_back({name, "",
                                 "is a service link of Kubernetes and no setting; set "
                                 "enableServiceLinks: false"});
      continue;
    }
    const std::string nearest = NearestWord(key, known);
    if (FindSetting(key) != nullptr) {
      loaded.errors.push_back({name, key, "can be set in the YAML file only"});
    } else if (!nearest.empty()) {
      loaded.errors.push_back(
          {name, key,
           absl::StrCat("unknown variable; did you mean ", EnvironmentName(nearest), "?")});
    } else {
      loaded.warnings.push_back({name, key, "unknown variable, which has no effect"});
    }
  }
}

Values CollectValues(const ConfigSources& sources, std::vector<ConfigError>& errors) {
  Values values;
  if (!sources.file.empty()) CollectFile(sources.file, values, errors);
  for (const Setting& setting : Settings()) {
    if (setting.yaml_only) continue;
    const std::string name = EnvironmentName(setting.key);
    const std::optional<std::string> text = sources.environment(name);
    if (!text.has_value() || text->empty()) continue;
    values[setting.key] =
        setting.is_list ? ConfigValue::CommaList(*text, name) : ConfigValue::Scalar(*text, name);
  }
  for (const auto& [key, texts] : sources.flags) {
    if (texts.empty()) continue;
    const ConfigOrigin origin = absl::StrCat("--", key);
    values[key] = FindSetting(key)->is_list ? ConfigValue::List(texts, origin)
                                            : ConfigValue::Scalar(texts.back(), origin);
  }
  return values;
}

void ReadSettings(const Values& values, LoadedConfig& loaded) {
  for (const Setting& setting : Settings()) {
    const auto value = values.find(setting.key);
    if (value != values.end()) {
      loaded.origins.Set(setting.key, value->second.origin);
      setting.read(value->second, loaded);
    } else if (!setting.default_elements.empty()) {
      setting.read(ConfigValue::List(setting.default_elements, kDefaultOrigin), loaded);
    }
  }
  for (const Setting& setting : Settings()) {
    if (setting.derive_default == nullptr || loaded.origins.IsSet(setting.key)) continue;
    setting.derive_default(loaded.config);
  }
}

}  // namespace

void ConfigOrigins::Set(absl::string_view key, const ConfigOrigin& origin) {
  settings_[std::string(key)] = origin;
}

void ConfigOrigins::Add(absl::string_view key, const ConfigOrigin& origin) {
  elements_[std::string(key)].push_back(origin);
}

ConfigOrigin ConfigOrigins::Of(absl::string_view key) const {
  const auto found = settings_.find(key);
  return found == settings_.end() ? ConfigOrigin(kDefaultOrigin) : found->second;
}

ConfigOrigin ConfigOrigins::OfElement(absl::string_view key, size_t index) const {
  return elements_.find(key)->second[index];
}

void LoadedConfig::Fail(const ConfigValue& value, absl::string_view key,
                        absl::string_view message) {
  errors.push_back({value.origin, std::string(key), std::string(message)});
}

LoadedConfig LoadConfig(const ConfigSources& sources) {
  LoadedConfig loaded;
  const Values values = CollectValues(sources, loaded.errors);
  CheckVariables(sources.variables, loaded);
  ReadSettings(values, loaded);
  RaiseDependentLimits(loaded.config.server);
  loaded.config.server.query_log.json = loaded.config.log_form == LogForm::kJson;
  CheckDependencies(loaded);
  return loaded;
}

std::string FormatConfig(const Config& config) {
  std::string out;
  for (const Setting& setting : Settings()) absl::StrAppend(&out, setting.format(config));
  return out;
}

}  // namespace dotcache
