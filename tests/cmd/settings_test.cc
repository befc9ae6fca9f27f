// SPDX-License-Identifier: Apache-2.0
// Every row of the table of settings works. A new row needs no new test here.
#include "cmd/settings.h"

#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "cmd/value_parsers.h"
#include "cmd/yaml_text.h"
#include "tests/cmd/config_test_support.h"

namespace dotcache {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// The range of a setting that is a number, a duration or a size. `min` and `max` are numbers, ms or
// octets.
struct NumericRange {
  std::string text;  // "MIN to MAX".
  int64_t min;
  int64_t max;
  std::string unit;
};

int64_t NumberOf(absl::string_view text, const std::string& value_name) {
  if (value_name == "DURATION") return ParseDuration(text)->count();
  if (value_name == "SIZE") return static_cast<int64_t>(*ParseSize(text));
  int64_t number = -1;
  EXPECT_TRUE(absl::SimpleAtoi(text, &number)) << text;
  return number;
}

std::optional<NumericRange> RangeOf(const Setting& setting) {
  const std::string& name = setting.value_name;
  if (name != "N" && name != "DURATION" && name != "SIZE") return std::nullopt;
  const std::pair<std::string, std::string> halves =
      absl::StrSplit(setting.range, absl::MaxSplits(" to ", 1));
  const std::string min = halves.first.substr(halves.first.rfind(' ') + 1);
  const std::string max = halves.second.substr(0, halves.second.find(','));
  return NumericRange{absl::StrCat(min, " to ", max), NumberOf(min, name), NumberOf(max, name),
                      name == "DURATION" ? "ms" : ""};
}

LoadedConfig LoadNumber(const Setting& setting, int64_t number, const NumericRange& range) {
  return LoadYaml(absl::StrCat(setting.key, ": ", number, range.unit, "\n"));
}

TEST(SettingsTest, NumbersOutsideTheRangeAreRejectedWithTheRange) {
  for (const Setting& setting : Settings()) {
    const auto range = RangeOf(setting);
    if (!range.has_value()) continue;
    std::vector<int64_t> outside = {range->max + 1};
    if (range->min > 0 || setting.value_name == "N") outside.push_back(range->min - 1);
    for (const int64_t number : outside) {
      EXPECT_THAT(
          ErrorTexts(LoadNumber(setting, number, *range)),
          ElementsAre(AllOf(HasSubstr(absl::StrCat("FILE:1: ", setting.key, ": \"", number)),
                            HasSubstr(range->text))))
          << setting.key;
    }
  }
}

TEST(SettingsTest, NumbersAtTheEndsOfTheRangeAreAcceptedAndChangeTheirOwnLineOnly) {
  const std::vector<std::string> defaults = absl::StrSplit(FormatConfig(LoadYaml("").config), '\n');
  for (const Setting& setting : Settings()) {
    const auto range = RangeOf(setting);
    if (!range.has_value()) continue;
    for (const int64_t number : {range->min, range->max}) {
      const LoadedConfig loaded = LoadNumber(setting, number, *range);
      EXPECT_THAT(ErrorTexts(loaded), IsEmpty()) << setting.key;
      const std::vector<std::string> lines = absl::StrSplit(FormatConfig(loaded.config), '\n');
      ASSERT_EQ(lines.size(), defaults.size());
      for (size_t i = 0; i < lines.size(); ++i) {
        if (absl::StartsWith(lines[i], absl::StrCat(setting.key, ": "))) {
          const std::string value = lines[i].substr(setting.key.size() + 2);
          if (!absl::StartsWith(value, "0x")) {
            EXPECT_EQ(NumberOf(value, setting.value_name), number) << lines[i];
          }
        } else if (!absl::StartsWith(lines[i], "max-pending-per-client: ") &&  // Dependent ones.
                   !absl::StartsWith(lines[i], "max-streams-per-client: ")) {
          EXPECT_EQ(lines[i], defaults[i]) << setting.key;
        }
      }
    }
  }
}

// The words that a setting takes, or a text for a setting that takes any text; empty for others.
std::vector<std::string> TextsOf(const Setting& setting) {
  if (setting.is_list) return {};
  if (setting.value_name == "TEXT" || setting.value_name == "FILE") return {"some text"};
  if (setting.value_name == "WORD") {
    return absl::StrSplit(absl::StrReplaceAll(setting.range, {{" or ", ", "}}), ", ");
  }
  if (!absl::StrContains(setting.value_name, '|') || setting.value_name == "ADDR:PORT|off") {
    return {};
  }
  return absl::StrSplit(setting.value_name, '|');
}

TEST(SettingsTest, EveryWordAndTextIsAcceptedAndPrinted) {
  for (const Setting& setting : Settings()) {
    for (const std::string& text : TextsOf(setting)) {
      const LoadedConfig loaded = LoadYaml(absl::StrCat(setting.key, ": ", text, "\n"));
      EXPECT_THAT(ErrorTexts(loaded), IsEmpty()) << setting.key;
      EXPECT_THAT(FormatConfig(loaded.config),
                  HasSubstr(absl::StrCat("\n", setting.key, ": ", YamlScalar(text), "\n")));
    }
  }
}

TEST(SettingsTest, EveryScalarIsANumberAWordOrATextExceptAdminAndUser) {
  for (const Setting& setting : Settings()) {
    if (setting.is_list || RangeOf(setting).has_value() || !TextsOf(setting).empty()) continue;
    EXPECT_TRUE(setting.key == "admin" || setting.key == "user")
        << setting.key << ": the tests above do not know this kind of setting";
  }
}

TEST(SettingsTest, TheDefaultInTheHelpIsTheDefault) {
  const Config defaults = LoadYaml("").config;
  int texts = 0;
  for (const Setting& setting : Settings()) {
    const bool is_value =
        setting.is_list ? !setting.default_elements.empty()
                        : setting.derive_default == nullptr && !setting.format(Config()).empty();
    if (!is_value) {
      EXPECT_TRUE(setting.format(Config()).empty() || absl::StrContains(setting.default_text, ' '))
          << setting.key;
      continue;
    }
    ++texts;
    const LoadedConfig loaded =
        setting.is_list ? Load("", {{EnvironmentName(setting.key), setting.default_text}})
                        : LoadYaml(absl::StrCat(setting.key, ": ", setting.default_text, "\n"));
    EXPECT_THAT(ErrorTexts(loaded), IsEmpty()) << setting.key;
    EXPECT_EQ(setting.format(loaded.config), setting.format(defaults));
  }
  EXPECT_GT(texts, 30);
}

TEST(SettingsTest, FlagWinsOverEnvironmentOverFile) {
  for (const Setting& setting : Settings()) {
    if (setting.yaml_only) continue;
    const std::string name = EnvironmentName(setting.key);
    const EnvironmentValues environment = {{name, "?"}};
    const std::string file = setting.key + ": '?'\n";
    const FlagValues flags = {{setting.key, {"?"}}};
    EXPECT_TRUE(absl::EndsWith(Load(file).origins.Of(setting.key), ":1")) << setting.key;
    EXPECT_EQ(Load(file, environment).origins.Of(setting.key), name);
    EXPECT_EQ(Load(file, environment, flags).origins.Of(setting.key), "--" + setting.key);
  }
}

TEST(SettingsTest, WrongShapesAreErrorsOfTheirKey) {
  for (const Setting& setting : Settings()) {
    const std::string prefix = absl::StrCat("FILE:1: ", setting.key, ": ");
    if (setting.is_list) {
      EXPECT_THAT(ErrorTexts(LoadYaml(setting.key + ": {a: b}\n")),
                  testing::Contains(HasSubstr("FILE:1: ")))
          << setting.key;
      continue;
    }
    EXPECT_THAT(ErrorTexts(LoadYaml(setting.key + ": [1, 2]\n")),
                ElementsAre(prefix + "must be one value, not a list or a map"));
    EXPECT_THAT(ErrorTexts(LoadYaml(setting.key + ": \"\"\n")), ElementsAre(HasSubstr(prefix)));
  }
}

TEST(SettingsTest, EnvironmentNamesFollowTheKey) {
  EXPECT_EQ(EnvironmentName("listen-cert"), "DOTCACHE_LISTEN_CERT");
}

TEST(SettingsTest, AllKeysAreDistinct) {
  for (const Setting& setting : Settings()) EXPECT_EQ(FindSetting(setting.key), &setting);
}

}  // namespace
}  // namespace dotcache
