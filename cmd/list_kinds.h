// SPDX-License-Identifier: Apache-2.0
// The kinds of settings that are lists: each function makes one row of the table.
#ifndef DOTCACHE_CMD_LIST_KINDS_H_
#define DOTCACHE_CMD_LIST_KINDS_H_

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cmd/setting.h"
#include "cmd/setting_kinds.h"
#include "cmd/yaml_text.h"

namespace dotcache {

inline constexpr size_t kUnlimited = std::numeric_limits<size_t>::max();

// "at most MAX", as the range of a list.
std::string AtMost(size_t max);

// Calls `add` for each element of `value` and reports its errors. An element that is a list or a
// map is an error.
void ForEachText(const ConfigValue& value, absl::string_view key, LoadedConfig& loaded,
                 absl::FunctionRef<absl::Status(const ConfigValue& element)> add);

// Reports an empty list, for a setting that needs at least one element.
void RefuseEmptyList(const ConfigValue& value, absl::string_view key, LoadedConfig& loaded);

// A list of at most `max` texts. `parse` and `print` are for one element, as in ScalarSetting();
// the field is a vector. The origin of each element is kept under the setting's key.
template <typename Field, typename Parse, typename Print>
Setting ListSetting(Setting setting, size_t max, Field field, Parse parse, Print print) {
  setting.is_list = true;
  setting.read = [key = setting.key, max, field, parse](const ConfigValue& value,
                                                        LoadedConfig& loaded) {
    auto& elements = field(loaded.config);
    elements.clear();
    ForEachText(value, key, loaded, [&](const ConfigValue& element) {
      auto parsed = parse(element.scalar);
      if (!parsed.ok()) return parsed.status();
      elements.push_back(*std::move(parsed));
      loaded.origins.Add(key, element.origin);
      return absl::OkStatus();
    });
    if (elements.size() <= max) return;
    loaded.Fail(value, key, absl::StrCat("has more than ", max, " elements"));
  };
  const auto texts_of = [field, print](const Config& config) {
    std::vector<std::string> texts;
    for (const auto& element : field(config)) texts.push_back(print(element));
    return texts;
  };
  const std::vector<std::string> defaults = texts_of(Config());
  SetDefaultText(absl::StrJoin(defaults, ", "), setting);
  // An empty list is printed only where it differs from the default.
  setting.format = [key = setting.key, texts_of,
                    skip_empty = defaults.empty()](const Config& config) {
    const std::vector<std::string> texts = texts_of(config);
    return texts.empty() && skip_empty ? "" : YamlList(key, texts);
  };
  return setting;
}

// A list with its own functions for reading and printing. When no source sets it, `read` gets
// `default_elements`.
Setting RichSetting(const SettingText& text, void (*read)(const ConfigValue&, LoadedConfig&),
                    std::string (*format)(const Config&),
                    std::vector<std::string> default_elements = {});

}  // namespace dotcache

#endif  // DOTCACHE_CMD_LIST_KINDS_H_
