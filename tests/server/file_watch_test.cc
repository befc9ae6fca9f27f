// SPDX-License-Identifier: Apache-2.0
#include "server/file_watch.h"

#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/test_directory.h"

namespace dotcache {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kNobody = 65534;

// During its lifetime this process may not search the folder. For that, root becomes another user.
class ClosedFolder {
 public:
  explicit ClosedFolder(fs::path folder) : folder_(std::move(folder)) {
    fs::permissions(folder_, fs::perms::none);
    EXPECT_EQ(seteuid(user_ == 0 ? kNobody : user_), 0);
  }
  ~ClosedFolder() {
    EXPECT_EQ(seteuid(user_), 0);
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);  // The change of the user forbids it; leak checks need it.
    fs::permissions(folder_, fs::perms::owner_all);
  }
  ClosedFolder(const ClosedFolder&) = delete;
  ClosedFolder& operator=(const ClosedFolder&) = delete;

 private:
  const fs::path folder_;
  const unsigned user_ = geteuid();
};

class FileWatchTest : public testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    return directory_.Write(name, text);
  }

  const TestDirectory directory_;
};

TEST_F(FileWatchTest, UnchangedFilesAreNotReported) {
  FileWatch watch({Write("a", "1"), Write("b", "2"), directory_.Path("missing")});
  EXPECT_FALSE(watch.Changed());
  EXPECT_FALSE(watch.Changed());
}

TEST_F(FileWatchTest, EachChangeIsReportedOnce) {
  const std::string a = Write("a", "1");
  const std::string b = Write("b", "1");
  FileWatch watch({a, b});
  for (const std::string& path : {a, b, b}) {
    std::ofstream(path, std::ios::app) << "more";
    EXPECT_TRUE(watch.Changed());
    EXPECT_FALSE(watch.Changed());
  }
}

TEST_F(FileWatchTest, FileRenamedIntoPlaceIsAChangeEvenWithTheSameSizeAndTime) {
  const std::string path = Write("a", "1");
  const std::string other = Write("b", "2");
  fs::last_write_time(other, fs::last_write_time(path));
  FileWatch watch({path});
  fs::rename(other, path);
  EXPECT_TRUE(watch.Changed());
}

TEST_F(FileWatchTest, WrittenFileIsAChangeEvenWithItsOldTime) {
  const std::string path = Write("a", "1");
  const auto time = fs::last_write_time(path);
  FileWatch watch({path});
  // The file system's clock may not advance for some milliseconds.
  while (!watch.Changed()) {
    std::ofstream(path) << "2";
    fs::last_write_time(path, time);
  }
  EXPECT_FALSE(watch.Changed());
}

// Kubernetes updates a volume like this: tls.crt -> ..data/tls.crt, and ..data -> a dated
// directory.
TEST_F(FileWatchTest, ChangedDirectoryLinkIsAChangeOfTheFilesBelow) {
  Write("..2026_1/tls.crt", "1");
  Write("..2026_2/tls.crt", "2");
  fs::create_directory_symlink("..2026_1", directory_.Path("..data"));
  fs::create_symlink("..data/tls.crt", directory_.Path("tls.crt"));
  FileWatch watch({directory_.Path("tls.crt")});
  EXPECT_FALSE(watch.Changed());
  fs::create_directory_symlink("..2026_2", directory_.Path("..data_tmp"));
  fs::rename(directory_.Path("..data_tmp"), directory_.Path("..data"));
  fs::remove_all(directory_.Path("..2026_1"));
  EXPECT_TRUE(watch.Changed());
  EXPECT_FALSE(watch.Changed());
}

TEST_F(FileWatchTest, CreatedOrDeletedFileIsAChange) {
  const std::string path = Write("a", "1");
  FileWatch watch({path});
  fs::remove(path);
  EXPECT_TRUE(watch.Changed());
  EXPECT_FALSE(watch.Changed());
  Write("a", "1");
  EXPECT_TRUE(watch.Changed());
}

TEST_F(FileWatchTest, FileOutOfReachIsUnchangedUntilItIsReached) {
  const std::string path = Write("private/a", "1");
  FileWatch watch({path});
  for (const bool written : {false, true}) {
    if (written) std::ofstream(path, std::ios::app) << "more";
    {
      const ClosedFolder closed(directory_.Path("private"));
      EXPECT_FALSE(watch.Changed());
    }
    EXPECT_EQ(watch.Changed(), written);
  }
  fs::remove(path);
  EXPECT_TRUE(watch.Changed());
}

TEST_F(FileWatchTest, OnlyRegularFilesAreAccepted) {
  const std::string path = Write("a", "1");
  const std::string link = directory_.Path("link");
  fs::create_symlink("a", link);
  const FileWatch watch({path, link, directory_.Path("missing")});
  EXPECT_TRUE(watch.CheckRegular().ok());
  fs::remove(path);
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_THAT(std::string(watch.CheckRegular().message()),
              testing::HasSubstr(path + " is not a regular file"));
  EXPECT_FALSE(FileWatch({link}).CheckRegular().ok());
  EXPECT_FALSE(FileWatch({directory_.Path()}).CheckRegular().ok());
}

}  // namespace
}  // namespace dotcache
