// SPDX-License-Identifier: Apache-2.0
// Configuration as written: texts, lists and maps, each with its place.
#ifndef DOTCACHE_CMD_CONFIG_VALUE_H_
#define DOTCACHE_CMD_CONFIG_VALUE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace dotcache {

// Where a value is written, as an error line begins: "dotcache.yaml:12", "--listen",
// "DOTCACHE_LISTEN", or kDefaultOrigin.
using ConfigOrigin = std::string;
inline constexpr absl::string_view kDefaultOrigin = "default";

struct ConfigEntry;

// A value as the operator wrote it, from any source: a scalar, a list or a map.
struct ConfigValue {
  enum class Kind { kScalar, kList, kMap };

  Kind kind = Kind::kScalar;
  ConfigOrigin origin;
  std::string scalar;
  std::vector<ConfigValue> list;
  std::vector<ConfigEntry> map;  // In the order written.

  static ConfigValue Scalar(absl::string_view text, absl::string_view origin);
  static ConfigValue List(const std::vector<std::string>& texts, absl::string_view origin);
  // Splits at commas and trims. Empty pieces are kept, so that they are reported.
  static ConfigValue CommaList(absl::string_view text, absl::string_view origin);

  // The elements of a list. Any other value is its own single element.
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

// Reads a YAML file into a map. It is an error if the file cannot be read, is not YAML, has a key
// twice or has more than one document. Limits: 1 MiB, 8 lists and maps inside each other, and, with
// aliases written out, 100,000 values and 1 MiB of text.
struct ConfigFile {
  ConfigValue root;
  std::vector<ConfigError> errors;
};
ConfigFile ReadConfigFile(const std::string& path);

}  // namespace dotcache

#endif  // DOTCACHE_CMD_CONFIG_VALUE_H_
