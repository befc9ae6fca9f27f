// SPDX-License-Identifier: Apache-2.0
// Flags, environment, YAML file and defaults to the option structs of the other folders.
#ifndef DOTCACHE_CMD_CONFIG_H_
#define DOTCACHE_CMD_CONFIG_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "cmd/config_value.h"
#include "core/log.h"
#include "server/server_options.h"

namespace dotcache {

// What `serve` runs with.
struct Config {
  ServerOptions server;
  std::optional<Endpoint> admin;  // nullopt: off.
  LogLevel log_level = LogLevel::kInfo;
};

// Where parts of a Config were written, for errors that only the machine can tell.
struct ConfigOrigins {
  std::vector<ConfigOrigin> listen;     // Of each element of server.listen.
  std::vector<ConfigOrigin> upstream;   // Of each server, counted through the zones in order.
  std::vector<ConfigOrigin> bootstrap;  // Of each element of server.upstream.bootstrap.
  std::vector<ConfigOrigin> records;    // Of each element of server.local_data.records.
  ConfigOrigin hosts_file = "default";
  ConfigOrigin listen_cert = "default";
  ConfigOrigin listen_key = "default";
  ConfigOrigin upstream_ca = "default";
  ConfigOrigin source_v4 = "default";
  ConfigOrigin source_v6 = "default";
  ConfigOrigin upstream_mark = "default";
  ConfigOrigin cookie_secret_file = "default";
  ConfigOrigin admin = "default";
};

struct LoadedConfig {
  Config config;
  ConfigOrigins origins;
  std::vector<ConfigError> errors;  // Not empty: `config` must not be used.
};

// What comes from outside, so that tests can stand in for it.
struct ConfigSources {
  // Flags given, by key, each with its values in order.
  std::vector<std::pair<std::string, std::vector<std::string>>> flags;
  // The environment's value for a variable.
  absl::FunctionRef<std::optional<std::string>(const std::string& name)> environment;
  // The YAML file; empty: none.
  std::string file;
};

// Flags win over environment, environment over file, file over defaults, each setting as a whole.
// Every error found is reported, none hides another.
LoadedConfig LoadConfig(const ConfigSources& sources);

// The effective configuration as YAML that LoadConfig() reads back to the same, but for the names
// of presets: their servers are listed, and the name becomes a comment.
std::string FormatConfig(const Config& config);

}  // namespace dotcache

#endif  // DOTCACHE_CMD_CONFIG_H_
