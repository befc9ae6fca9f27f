// SPDX-License-Identifier: Apache-2.0
// Texts as YAML that ReadConfigFile() reads back to the same texts.
#ifndef DOTCACHE_CMD_YAML_TEXT_H_
#define DOTCACHE_CMD_YAML_TEXT_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace dotcache {

// A double-quoted scalar.
std::string YamlQuoted(absl::string_view text);

// A plain scalar where that is safe, else a quoted one.
std::string YamlScalar(absl::string_view text);

// The lines of `key` with a list, one element a line; "KEY: []" for an empty list.
std::string YamlList(absl::string_view key, const std::vector<std::string>& texts);

}  // namespace dotcache

#endif  // DOTCACHE_CMD_YAML_TEXT_H_
