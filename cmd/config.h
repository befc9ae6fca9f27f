// SPDX-License-Identifier: Apache-2.0
// Flags, environment, YAML file and defaults to the option structs of the other folders.
#ifndef DOTCACHE_CMD_CONFIG_H_
#define DOTCACHE_CMD_CONFIG_H_

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "cmd/config_value.h"
#include "cmd/system_calls.h"
#include "core/log.h"
#include "server/server_options.h"

namespace dotcache {

// The configuration of `serve`. The member initialisers here and in the structs of ServerOptions
// are the defaults of the settings.
struct Config {
  Config() { server.upstream.zones.emplace_back(); }  // The root zone.

  ServerOptions server;
  std::optional<Endpoint> admin = *Endpoint::Parse("127.0.0.1:9153");  // nullopt: off.
  std::vector<std::string> admin_hosts;  // Names in the Host header, see HttpOptions.
  std::string control_path;              // Of the control socket. Empty: none.
  LogLevel log_level = LogLevel::kInfo;
  LogForm log_form = LogForm::kText;
  // How long a stop serves as before while /ready already replies 503.
  Milliseconds lame_duck{0};
  std::string user = "nobody";  // The user that a process of root becomes.
  bool core_dumps = false;
  SystemCallMode system_calls = SystemCallMode::kDeny;
};

// Where the settings were written, by key, for errors that are found after reading.
class ConfigOrigins {
 public:
  void Set(absl::string_view key, const ConfigOrigin& origin);
  // Sets the place of the next element of a list. The elements of "upstream" are the servers of all
  // zones, in order, and those of "upstream-source" the IPv4 and the IPv6 address.
  void Add(absl::string_view key, const ConfigOrigin& origin);

  // Whether a source sets the setting.
  bool IsSet(absl::string_view key) const { return settings_.contains(key); }
  // "default" when no source sets it.
  ConfigOrigin Of(absl::string_view key) const;
  // REQUIRES: Add() was called for this element.
  ConfigOrigin OfElement(absl::string_view key, size_t index) const;

 private:
  std::map<std::string, ConfigOrigin, std::less<>> settings_;
  std::map<std::string, std::vector<ConfigOrigin>, std::less<>> elements_;
};

struct LoadedConfig {
  // Appends an error of the setting `key`, at the place of `value`.
  void Fail(const ConfigValue& value, absl::string_view key, absl::string_view message);

  Config config;
  ConfigOrigins origins;
  std::vector<ConfigError> errors;    // Not empty: `config` must not be used.
  std::vector<ConfigError> warnings;  // Of what has no effect.
};

// The sources of settings outside the program. Tests replace them.
struct ConfigSources {
  // Flags given, by key, each with its values in order.
  std::vector<std::pair<std::string, std::vector<std::string>>> flags;
  // The environment's value for a variable.
  absl::FunctionRef<std::optional<std::string>(const std::string& name)> environment;
  // The YAML file; empty: none.
  std::string file;
  // The names of all variables that begin with DOTCACHE_.
  std::vector<std::string> variables = {};
};

// A flag has precedence over the environment, the environment over the file, the file over the
// default. Each setting is taken as a whole from one source. Every error is reported.
LoadedConfig LoadConfig(const ConfigSources& sources);

// The effective configuration as YAML. LoadConfig() reads it back to the same configuration, except
// the names of presets. The servers of a preset are listed, and its name becomes a comment.
std::string FormatConfig(const Config& config);

}  // namespace dotcache

#endif  // DOTCACHE_CMD_CONFIG_H_
