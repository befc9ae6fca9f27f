// SPDX-License-Identifier: Apache-2.0
// A temporary directory for one test.
#ifndef DOTCACHE_TESTS_SUPPORT_TEST_DIRECTORY_H_
#define DOTCACHE_TESTS_SUPPORT_TEST_DIRECTORY_H_

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace dotcache {

// A directory of one test. It is empty at first and is removed with its content at the end.
class TestDirectory {
 public:
  TestDirectory() { EXPECT_NE(mkdtemp(path_.data()), nullptr); }
  ~TestDirectory() { std::filesystem::remove_all(path_); }
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;

  std::string Path(absl::string_view name = "") const { return absl::StrCat(path_, "/", name); }

  // Writes the text to a new file, renames it to `name` and returns its path.
  std::string Write(absl::string_view name, absl::string_view text) const {
    std::filesystem::create_directories(std::filesystem::path(Path(name)).parent_path());
    std::ofstream(Path("new")) << text;
    std::filesystem::rename(Path("new"), Path(name));
    return Path(name);
  }
  // Like Write(), with the content of the file `from`.
  std::string Copy(absl::string_view name, const std::string& from) const {
    std::filesystem::copy_file(from, Path("new"));
    std::filesystem::rename(Path("new"), Path(name));
    return Path(name);
  }

 private:
  std::string path_ = absl::StrCat(testing::TempDir(), "dotcache.XXXXXX");
};

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_SUPPORT_TEST_DIRECTORY_H_
