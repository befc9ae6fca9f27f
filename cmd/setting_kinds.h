// SPDX-License-Identifier: Apache-2.0
// The kinds of settings: each function makes one row of the table.
//
// `field` is a generic lambda that returns a reference to the setting's field:
//   [](auto& c) -> auto& { return c.server.workers; }
// The default is the field's value in Config(). Help texts and errors show the default and the
// range in the form in which the setting is written.
#ifndef DOTCACHE_CMD_SETTING_KINDS_H_
#define DOTCACHE_CMD_SETTING_KINDS_H_

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cmd/setting.h"
#include "cmd/value_parsers.h"
#include "cmd/words.h"
#include "cmd/yaml_text.h"

namespace dotcache {

// A row without reading and printing. `value_name` and `range` apply when `text` has none.
Setting NewSetting(const SettingText& text, absl::string_view value_name,
                   absl::string_view range = "");

// Sets default_text from the default as it is printed, unless the row has its own words for it.
void SetDefaultText(absl::string_view printed, Setting& setting);

// A setting of one text. `parse` takes the text and returns absl::StatusOr of the field's value.
// `print` takes the value and returns a text that `parse` accepts, or "" when it is not set.
template <typename Field, typename Parse, typename Print>
Setting ScalarSetting(Setting setting, Field field, Parse parse, Print print) {
  using Value = std::remove_reference_t<std::invoke_result_t<Field, Config&>>;
  setting.read = [key = setting.key, field, parse](const ConfigValue& value, LoadedConfig& loaded) {
    if (value.kind != ConfigValue::Kind::kScalar) {
      return loaded.Fail(value, key, "must be one value, not a list or a map");
    }
    auto parsed = parse(value.scalar);
    if (!parsed.ok()) return loaded.Fail(value, key, parsed.status().message());
    field(loaded.config) = static_cast<Value>(*std::move(parsed));
  };
  setting.format = [key = setting.key, field, print](const Config& config) {
    const std::string text(print(field(config)));
    return text.empty() ? "" : absl::StrCat(key, ": ", YamlScalar(text), "\n");
  };
  const Config defaults;
  SetDefaultText(print(field(defaults)), setting);
  return setting;
}

// One of the words of an enum.
template <typename E, typename Field>
Setting WordSetting(const SettingText& text, const Words<E>& words, Field field) {
  const std::vector<absl::string_view> names = NamesOf(words);
  const bool few = names.size() <= 3;
  return ScalarSetting(
      NewSetting(text, few ? absl::StrJoin(names, "|") : "WORD", few ? "" : WordList(names)), field,
      [words](absl::string_view word) { return ParseWord(word, words); }, words.name);
}

// on or off.
template <typename Field>
Setting SwitchSetting(const SettingText& text, Field field) {
  return WordSetting(text, kSwitchWords, field);
}

// A whole number from `min` to `max`.
template <typename Field>
Setting IntegerSetting(const SettingText& text, int64_t min, int64_t max, Field field) {
  return ScalarSetting(
      NewSetting(text, "N", RangeText(min, max)), field,
      [min, max](absl::string_view number) { return ParseInteger(number, min, max); },
      [](auto number) { return absl::StrCat(number); });
}

// A duration that `parse` accepts within its limits.
template <typename Unit, typename Field, typename Parse>
Setting TimeSetting(const SettingText& text, Unit min, Unit max, Field field, Parse parse) {
  return ScalarSetting(
      NewSetting(text, "DURATION", RangeText(FormatDuration(min), FormatDuration(max))), field,
      [min, max, parse](absl::string_view duration) { return parse(duration, min, max); },
      FormatDuration);
}

// A duration in milliseconds.
template <typename Field>
Setting DurationSetting(const SettingText& text, Milliseconds min, Milliseconds max, Field field) {
  return TimeSetting(text, min, max, field, ParseDurationWithin);
}

// A duration in whole seconds: a fraction is an error, because it would be lost.
template <typename Field>
Setting SecondsSetting(const SettingText& text, Seconds min, Seconds max, Field field) {
  return TimeSetting(text, min, max, field, ParseSecondsWithin);
}

// A size in octets: 0, or from `min` to `max`.
template <typename Field>
Setting SizeSetting(const SettingText& text, uint64_t min, uint64_t max, Field field) {
  return ScalarSetting(
      NewSetting(text, "SIZE", absl::StrCat("0, or ", RangeText(FormatSize(min), FormatSize(max)))),
      field, [min, max](absl::string_view size) { return ParseSizeOrZero(size, min, max); },
      FormatSize);
}

// A text that the server sends to clients.
template <typename Field>
Setting TextSetting(const SettingText& text, Field field) {
  return ScalarSetting(NewSetting(text, "TEXT", kOwnTextRange), field, ParseOwnText,
                       [](const std::string& value) { return value; });
}

// A file's path.
template <typename Field>
Setting FileSetting(const SettingText& text, Field field) {
  return ScalarSetting(NewSetting(text, "FILE"), field, ParsePath,
                       [](const std::string& path) { return path; });
}

// `setting`, with a default that depends on the machine or on other settings.
Setting WithDerivedDefault(void (*derive)(Config&), Setting setting);

}  // namespace dotcache

#endif  // DOTCACHE_CMD_SETTING_KINDS_H_
