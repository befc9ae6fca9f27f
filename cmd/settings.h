// SPDX-License-Identifier: Apache-2.0
// The names of all settings: flags, environment variables and YAML keys alike.
#ifndef DOTCACHE_CMD_SETTINGS_H_
#define DOTCACHE_CMD_SETTINGS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace dotcache {

// One setting. Flags are --KEY, environment variables DOTCACHE_KEY with underscores, YAML keys KEY.
struct Setting {
  absl::string_view key;
  absl::string_view value_name;    // As help texts show it.
  absl::string_view default_text;  // As help texts and docs/configuration.md show it.
  absl::string_view help;
  bool is_list = false;    // A flag that repeats; commas in the environment; a list in YAML.
  bool yaml_only = false;  // Too seldom wanted for a flag, or too rich.
};

absl::Span<const Setting> Settings();

// All keys, for "did you mean".
std::vector<absl::string_view> SettingKeys();

// "DOTCACHE_LISTEN_CERT" for "listen-cert".
std::string EnvironmentName(absl::string_view key);

}  // namespace dotcache

#endif  // DOTCACHE_CMD_SETTINGS_H_
