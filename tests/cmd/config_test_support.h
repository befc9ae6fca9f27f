// SPDX-License-Identifier: Apache-2.0
// Loads configurations from texts.
#ifndef DOTCACHE_TESTS_CMD_CONFIG_TEST_SUPPORT_H_
#define DOTCACHE_TESTS_CMD_CONFIG_TEST_SUPPORT_H_

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "cmd/config.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dotcache {

// A file that lives as long as this object.
class ScratchFile {
 public:
  explicit ScratchFile(const std::string& content) {
    const int fd = mkstemp(path_.data());
    EXPECT_GE(fd, 0);
    close(fd);
    std::ofstream(path_) << content;
  }
  ~ScratchFile() { unlink(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_ = absl::StrCat(testing::TempDir(), "dotcache.XXXXXX");
};

using FlagValues = std::vector<std::pair<std::string, std::vector<std::string>>>;
using EnvironmentValues = std::map<std::string, std::string>;

// Loads from all three sources; the file is called FILE in the errors.
inline LoadedConfig Load(const std::string& yaml, const EnvironmentValues& environment = {},
                         const FlagValues& flags = {}) {
  const ScratchFile file(yaml);
  const auto read = [&environment](const std::string& name) -> std::optional<std::string> {
    const auto it = environment.find(name);
    return it == environment.end() ? std::nullopt : std::optional(it->second);
  };
  LoadedConfig loaded = LoadConfig({flags, read, file.path()});
  for (ConfigError& error : loaded.errors) {
    error.origin = absl::StrReplaceAll(error.origin, {{file.path(), "FILE"}});
  }
  return loaded;
}

inline LoadedConfig LoadYaml(const std::string& yaml) { return Load(yaml); }

inline std::vector<std::string> ErrorTexts(const LoadedConfig& loaded) {
  std::vector<std::string> texts;
  for (const ConfigError& error : loaded.errors) texts.push_back(error.ToString());
  return texts;
}

// Each line is a file of one line, " => ", and a part of the only error in it.
inline void ExpectErrors(absl::string_view cases) {
  for (absl::string_view line : absl::StrSplit(cases, '\n', absl::SkipWhitespace())) {
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(absl::StripAsciiWhitespace(line), absl::MaxSplits(" => ", 1));
    ASSERT_FALSE(parts.second.empty()) << line;
    EXPECT_THAT(ErrorTexts(LoadYaml(parts.first + "\n")),
                testing::ElementsAre(testing::HasSubstr(parts.second)))
        << parts.first;
  }
}

// Printed YAML without comments. The comments hold the names of presets, which are not read back.
inline std::string WithoutComments(std::string yaml) {
  for (size_t at; (at = yaml.find("  # ")) != std::string::npos;) {
    yaml.erase(at, yaml.find('\n', at) - at);
  }
  return yaml;
}

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_CMD_CONFIG_TEST_SUPPORT_H_
