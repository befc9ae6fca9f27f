// SPDX-License-Identifier: Apache-2.0
// docs/configuration.md says what the code does: its table names every setting with its default,
// and its example uses every key and loads without an error.
#include <algorithm>
#include <fstream>
#include <sstream>

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

TEST(ConfigurationDocTest, NamesEverySettingWithItsSourceAndDefault) {
  for (const Setting& setting : Settings()) {
    const std::vector<std::string> cells = RowOf(setting.key);
    ASSERT_GE(cells.size(), 4u) << setting.key;
    EXPECT_EQ(cells[1], setting.yaml_only ? "YAML" : "all") << setting.key;
    EXPECT_EQ(cells[2], setting.default_text) << setting.key;
  }
}

TEST(ConfigurationDocTest, NamesNoSettingThatDoesNotExist) {
  const std::vector<absl::string_view> keys = SettingKeys();
  for (absl::string_view line : absl::StrSplit(Document(), '\n')) {
    if (!absl::StrContains(line, "` | all | ") && !absl::StrContains(line, "` | YAML | ")) continue;
    const absl::string_view key = line.substr(3, line.find('`', 3) - 3);
    EXPECT_NE(std::find(keys.begin(), keys.end(), key), keys.end()) << key;
  }
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

TEST(ConfigurationDocTest, ItsExampleUsesEveryKeyAndLoads) {
  const std::string yaml = ExampleYaml();
  for (const Setting& setting : Settings()) {
    EXPECT_TRUE(absl::StrContains(absl::StrCat("\n", yaml), absl::StrCat("\n", setting.key, ":")))
        << setting.key;
  }
  const LoadedConfig loaded = LoadYaml(yaml);
  EXPECT_THAT(ErrorTexts(loaded), testing::IsEmpty());
}

TEST(ConfigurationDocTest, ItsExampleSetsNothingToTheDefault) {
  const std::string defaults = FormatConfig(LoadYaml("").config);
  const std::string example = FormatConfig(LoadYaml(ExampleYaml()).config);
  const std::vector<std::string> default_lines = absl::StrSplit(defaults, '\n');
  for (absl::string_view line : absl::StrSplit(example, '\n')) {
    if (line.empty() || !absl::ascii_isalpha(static_cast<unsigned char>(line[0]))) continue;
    if (absl::EndsWith(line, ":")) continue;            // A list follows.
    if (absl::StartsWith(line, "workers: ")) continue;  // Its default is this machine's.
    if (line == "local-zones: on") continue;            // Without it there are no exceptions.
    EXPECT_EQ(std::count(default_lines.begin(), default_lines.end(), line), 0) << line;
  }
}

}  // namespace
}  // namespace dotcache
