// SPDX-License-Identifier: Apache-2.0
// docs/configuration.md agrees with the table of settings. It has a row for every setting with its
// source, default and range. Its example loads without an error.
#include <algorithm>
#include <fstream>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cmd/config.h"
#include "cmd/presets.h"
#include "cmd/settings.h"
#include "cmd/upstream_spec.h"
#include "gtest/gtest.h"
#include "tests/cmd/config_test_support.h"

namespace dotcache {
namespace {

std::string Document() {
  std::ifstream file(DOTCACHE_SOURCE_DIR "/docs/configuration.md");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string ExampleYaml() {
  const std::string document = Document();
  const size_t begin = document.find("```yaml\n") + 8;
  return document.substr(begin, document.find("```", begin) - begin);
}

// The cells of the table row that begins with `key`.
std::vector<std::string> RowOf(absl::string_view key) {
  for (absl::string_view line : absl::StrSplit(Document(), '\n')) {
    if (!absl::StartsWith(line, absl::StrCat("| `", key, "` | "))) continue;
    return absl::StrSplit(line.substr(2, line.size() - 4), " | ");
  }
  return {};
}

TEST(ConfigurationDocTest, HasARowForEverySettingWithSourceDefaultAndRange) {
  for (const Setting& setting : Settings()) {
    const std::vector<std::string> cells = RowOf(setting.key);
    ASSERT_GE(cells.size(), 4u) << setting.key;
    EXPECT_EQ(cells[1], setting.yaml_only ? "YAML" : "all") << setting.key;
    EXPECT_EQ(cells[2], setting.default_text) << setting.key;
    const std::string text = absl::StrReplaceAll(cells[3], {{"`", ""}});
    EXPECT_THAT(absl::AsciiStrToLower(text),
                testing::HasSubstr(absl::AsciiStrToLower(setting.range)))
        << setting.key;
  }
}

TEST(ConfigurationDocTest, ItsRowsAreTheSettingsInTheirOrder) {
  std::vector<std::string> keys;
  for (absl::string_view line : absl::StrSplit(Document(), '\n')) {
    if (!absl::StrContains(line, "` | all | ") && !absl::StrContains(line, "` | YAML | ")) continue;
    keys.emplace_back(line.substr(3, line.find('`', 3) - 3));
  }
  EXPECT_THAT(keys, testing::ElementsAreArray(SettingKeys()));
}

TEST(ConfigurationDocTest, NamesEveryPresetAndUpstreamKey) {
  const std::string document = Document();
  for (const Preset& preset : Presets()) {
    EXPECT_TRUE(absl::StrContains(document, absl::StrCat("`", preset.name, "`"))) << preset.name;
  }
  for (absl::string_view key : UpstreamKeys()) {
    EXPECT_TRUE(absl::StrContains(document, absl::StrCat("| `", key, "` |"))) << key;
  }
}

TEST(ConfigurationDocTest, CheckPrintsEveryKeyOfTheExampleAndReadsBack) {
  const LoadedConfig loaded = LoadYaml(ExampleYaml());
  EXPECT_THAT(ErrorTexts(loaded), testing::IsEmpty());
  const std::string printed = FormatConfig(loaded.config);
  for (const Setting& setting : Settings()) {
    if (!loaded.origins.IsSet(setting.key)) continue;
    EXPECT_THAT("\n" + printed, testing::HasSubstr(absl::StrCat("\n", setting.key, ":")));
  }
  const LoadedConfig again = LoadYaml(printed);
  EXPECT_THAT(ErrorTexts(again), testing::IsEmpty());
  EXPECT_EQ(WithoutComments(FormatConfig(again.config)), WithoutComments(printed));
}

TEST(ConfigurationDocTest, ItsExampleSetsNoKeyToTheDefault) {
  const std::string defaults = FormatConfig(LoadYaml("").config);
  const std::string example = FormatConfig(LoadYaml(ExampleYaml()).config);
  const std::vector<std::string> default_lines = absl::StrSplit(defaults, '\n');
  for (absl::string_view line : absl::StrSplit(example, '\n')) {
    if (line.empty() || !absl::ascii_isalpha(static_cast<unsigned char>(line[0]))) continue;
    if (absl::EndsWith(line, ":")) continue;            // A list follows.
    if (absl::StartsWith(line, "workers: ")) continue;  // The default depends on the machine.
    if (line == "local-zones: on") continue;            // `off` allows no exceptions.
    EXPECT_EQ(std::count(default_lines.begin(), default_lines.end(), line), 0) << line;
  }
}

}  // namespace
}  // namespace dotcache
