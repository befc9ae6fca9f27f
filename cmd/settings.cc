// SPDX-License-Identifier: Apache-2.0
#include "cmd/settings.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "cmd/setting_rows.h"

namespace dotcache {
namespace {

std::vector<Setting> AllRows() {
  std::vector<Setting> all;
  for (const auto rows :
       {ListenRows, AccessRows, StreamRows, UpstreamRows, UpstreamTimeRows, CacheRows, StaleRows,
        SnapshotRows, LocalNameRows, OwnAnswerRows, WorkerRows, ProcessRows, LogRows}) {
    for (Setting& row : rows()) all.push_back(std::move(row));
  }
  return all;
}

}  // namespace

const std::vector<Setting>& Settings() {
  static const std::vector<Setting> rows = AllRows();
  return rows;
}

const Setting* FindSetting(absl::string_view key) {
  for (const Setting& setting : Settings()) {
    if (setting.key == key) return &setting;
  }
  return nullptr;
}

std::vector<absl::string_view> SettingKeys() {
  std::vector<absl::string_view> keys;
  for (const Setting& setting : Settings()) keys.push_back(setting.key);
  return keys;
}

std::string EnvironmentName(absl::string_view key) {
  return absl::StrCat("DOTCACHE_", absl::AsciiStrToUpper(absl::StrReplaceAll(key, {{"-", "_"}})));
}

}  // namespace dotcache
