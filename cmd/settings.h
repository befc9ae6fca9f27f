// SPDX-License-Identifier: Apache-2.0
// The table of all settings. Flags, environment variables, the reading of YAML, the output of
// `check`, help texts and the test of docs/configuration.md derive from it.
#ifndef DOTCACHE_CMD_SETTINGS_H_
#define DOTCACHE_CMD_SETTINGS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "cmd/setting.h"

namespace dotcache {

// In the order in which help texts, `check` and docs/configuration.md list them.
const std::vector<Setting>& Settings();

// Null when there is no setting of this name.
const Setting* FindSetting(absl::string_view key);

// All keys, for "did you mean".
std::vector<absl::string_view> SettingKeys();

// "DOTCACHE_LISTEN_CERT" for "listen-cert".
std::string EnvironmentName(absl::string_view key);

}  // namespace dotcache

#endif  // DOTCACHE_CMD_SETTINGS_H_
