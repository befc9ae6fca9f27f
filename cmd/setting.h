// SPDX-License-Identifier: Apache-2.0
// One setting: its names, its help, and how a Config gets and prints its value.
#ifndef DOTCACHE_CMD_SETTING_H_
#define DOTCACHE_CMD_SETTING_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "cmd/config.h"
#include "cmd/config_value.h"

namespace dotcache {

// The texts of a row of the table. The flag is --KEY, the environment variable DOTCACHE_KEY with
// underscores, the YAML key KEY.
struct SettingText {
  absl::string_view key;
  absl::string_view help;               // Without range and default: those are printed from values.
  absl::string_view value_name = {};    // "DURATION". Empty: that of the kind.
  absl::string_view default_text = {};  // Empty: the default as it is printed, or "none".
  std::string range = {};               // "1s to 1h". Empty: that of the kind, if it has one.
  bool yaml_only = false;               // Without flag and environment variable.
};

// A row of the table, as setting_kinds.h makes it. Immutable once it is in the table.
struct Setting {
  std::string key;
  std::string value_name;
  std::string help;
  std::string range;
  std::string default_text;
  bool yaml_only = false;
  bool is_list = false;  // A flag that repeats; commas in the environment; a list in YAML.

  // Texts that `read` gets, with the origin "default", when no source sets the list.
  std::vector<std::string> default_elements = {};
  // Sets a default that depends on the machine or on other settings. Runs after all settings were
  // read, when no source sets this one. May be null.
  void (*derive_default)(Config& config) = nullptr;
  // Puts the value into the configuration, or appends errors.
  std::function<void(const ConfigValue& value, LoadedConfig& loaded)> read = nullptr;
  // The setting in YAML, ending in a newline; empty when it is not set.
  std::function<std::string(const Config& config)> format = nullptr;
};

}  // namespace dotcache

#endif  // DOTCACHE_CMD_SETTING_H_
