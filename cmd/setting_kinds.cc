// SPDX-License-Identifier: Apache-2.0
#include "cmd/setting_kinds.h"

namespace dotcache {

Setting NewSetting(const SettingText& text, absl::string_view value_name, absl::string_view range) {
  Setting setting;
  setting.key = std::string(text.key);
  setting.help = std::string(text.help);
  setting.value_name = std::string(text.value_name.empty() ? value_name : text.value_name);
  setting.range = std::string(text.range.empty() ? range : text.range);
  setting.default_text = std::string(text.default_text);
  setting.yaml_only = text.yaml_only;
  return setting;
}

void SetDefaultText(absl::string_view printed, Setting& setting) {
  if (!setting.default_text.empty()) return;
  setting.default_text = std::string(printed.empty() ? "none" : printed);
}

Setting WithDerivedDefault(void (*derive)(Config&), Setting setting) {
  setting.derive_default = derive;
  return setting;
}

}  // namespace dotcache
