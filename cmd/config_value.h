// SPDX-License-Identifier: Apache-2.0
// Configuration as written: text, lists and maps, each with where it stands.
#ifndef DOTCACHE_CMD_CONFIG_VALUE_H_
#define DOTCACHE_CMD_CONFIG_VALUE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace dotcache {

// Where a value stands, as an error line begins: "dotcache.yaml:12", "--listen", "DOTCACHE_LISTEN",
// "default".
using ConfigOrigin = std::string;

struct ConfigEntry;

// A value as the operator wrote it, whatever the source. A scalar, a list or a map.
struct ConfigValue {
  enum class Kind { kScalar, kList, kMap };

  Kind kind = Kind::kScalar;
  ConfigOrigin origin;
  std::string scalar;
  std::vector<ConfigValue> list;
  std::vector<ConfigEntry> map;  // In the order written.

  static ConfigValue Scalar(absl::string_view text, absl::string_view origin);
  // Splits at commas and trims; empty pieces are kept, so that they are reported.
  static ConfigValue CommaList(absl::string_view text, absl::string_view origin);

  // This value's elements: a list's, or the value itself.
  std::vector<const ConfigValue*> Elements() const;
};

// A key of a map with its value.
struct ConfigEntry {
  std::string key;
  ConfigValue value;
};

// One error of a configuration: `ORIGIN: key: message`.
struct ConfigError {
  ConfigOrigin origin;
  std::string key;
  std::string message;

  std::string ToString() const;
};

// Reads a YAML file into a map. A file that cannot be read, is no YAML, holds a key twice or more
// than one document yields one ConfigError. Files over 1 MiB are refused.
struct ConfigFile {
  ConfigValue root;
  std::vector<ConfigError> errors;
};
ConfigFile ReadConfigFile(const std::string& path);

}  // namespace dotcache

#endif  // DOTCACHE_CMD_CONFIG_VALUE_H_
