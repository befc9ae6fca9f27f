// SPDX-License-Identifier: Apache-2.0
#include "cmd/list_kinds.h"

namespace dotcache {

std::string AtMost(size_t max) { return absl::StrCat("at most ", max); }

void ForEachText(const ConfigValue& value, absl::string_view key, LoadedConfig& loaded,
                 absl::FunctionRef<absl::Status(const ConfigValue& element)> add) {
  for (const ConfigValue* element : value.Elements()) {
    if (element->kind != ConfigValue::Kind::kScalar) {
      loaded.Fail(*element, key, "must be text, not a list or a map");
    } else if (absl::Status status = add(*element); !status.ok()) {
      loaded.Fail(*element, key, status.message());
    }
  }
}

void RefuseEmptyList(const ConfigValue& value, absl::string_view key, LoadedConfig& loaded) {
  if (value.Elements().empty()) loaded.Fail(value, key, "is empty; write at least one element");
}

Setting RichSetting(const SettingText& text, void (*read)(const ConfigValue&, LoadedConfig&),
                    std::string (*format)(const Config&),
                    std::vector<std::string> default_elements) {
  Setting setting = NewSetting(text, "TEXT");
  setting.is_list = true;
  setting.read = read;
  setting.format = format;
  SetDefaultText(absl::StrJoin(default_elements, ", "), setting);
  setting.default_elements = std::move(default_elements);
  return setting;
}

}  // namespace dotcache
