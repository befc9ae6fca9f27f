// SPDX-License-Identifier: Apache-2.0
#include "server/snapshot_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <string>

#include "gtest/gtest.h"
#include "tests/support/test_directory.h"

namespace dotcache {
namespace {

Bytes Octets(absl::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

std::string ReadText(FileSource& source, size_t size) {
  std::string text(size, '\0');
  const absl::Status status =
      source.Read(MutableBytes(reinterpret_cast<uint8_t*>(text.data()), size));
  return status.ok() ? text : std::string(status.message());
}

size_t FilesIn(const TestDirectory& directory) {
  size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(directory.Path())) {
    ++files;
  }
  return files;
}

TEST(SnapshotFileTest, ACompleteFileReplacesTheOldOneForItsUserOnly) {
  const TestDirectory directory;
  const std::string path = directory.Write("snapshot", "old");
  {
    auto file = FileReplacement::Begin(path);
    ASSERT_TRUE(file.ok()) << file.status();
    ASSERT_TRUE(file->Append(Octets("new ")).ok());
    ASSERT_TRUE(file->Append(Octets("text")).ok());
    auto old = FileSource::Open(path);
    ASSERT_TRUE(old.ok()) << old.status();
    EXPECT_EQ(ReadText(*old, 3), "old");
    EXPECT_TRUE(old->CheckAtEnd().ok());
    ASSERT_TRUE(file->Commit().ok());
  }
  auto source = FileSource::Open(path);
  ASSERT_TRUE(source.ok());
  EXPECT_EQ(ReadText(*source, 7), "new tex");
  EXPECT_FALSE(source->CheckAtEnd().ok());
  EXPECT_EQ(ReadText(*source, 1), "it is not complete");
  struct stat found = {};
  ASSERT_EQ(stat(path.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777, 0600u);
  EXPECT_EQ(FilesIn(directory), 1u);
}

void ExpectOnlyTheOldFile(const TestDirectory& directory, const std::string& path) {
  auto source = FileSource::Open(path);
  ASSERT_TRUE(source.ok());
  EXPECT_EQ(ReadText(*source, 3), "old");
  EXPECT_EQ(FilesIn(directory), 1u);
}

TEST(SnapshotFileTest, AFileThatIsNotCommittedLeavesTheOldOne) {
  const TestDirectory directory;
  const std::string path = directory.Write("snapshot", "old");
  {
    auto file = FileReplacement::Begin(path);
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(file->Append(Octets("new")).ok());
  }
  ExpectOnlyTheOldFile(directory, path);
}

TEST(SnapshotFileTest, AFileThatIsGivenUpLeavesTheOldOne) {
  const TestDirectory directory;
  const std::string path = directory.Write("snapshot", "old");
  for (const bool at_commit : {false, true}) {
    std::atomic<bool> give_up{false};
    auto file = FileReplacement::Begin(path, &give_up);
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(file->Append(Octets("new")).ok());
    give_up = true;
    EXPECT_TRUE(absl::IsCancelled(at_commit ? file->Commit() : file->Append(Octets("er"))));
  }
  EXPECT_EQ(std::filesystem::file_size(path), 3u);
  ExpectOnlyTheOldFile(directory, path);
}

TEST(SnapshotFileTest, TwoProcessesDoNotWriteOneFile) {
  const TestDirectory directory;
  const std::string path = directory.Path("snapshot");
  auto file = FileReplacement::Begin(path);
  ASSERT_TRUE(file.ok());
  EXPECT_TRUE(absl::IsUnavailable(FileReplacement::Begin(path).status()));
  ASSERT_TRUE(file->Append(Octets("text")).ok());
  ASSERT_TRUE(file->Commit().ok());
  EXPECT_TRUE(FileReplacement::Begin(path).ok());
}

TEST(SnapshotFileTest, AFileThatAKilledProcessLeftIsWrittenAnew) {
  const TestDirectory directory;
  const std::string path = directory.Path("snapshot");
  directory.Write("snapshot.new", "much longer than the next");
  auto file = FileReplacement::Begin(path);
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_TRUE(file->Append(Octets("text")).ok());
  ASSERT_TRUE(file->Commit().ok());
  EXPECT_EQ(std::filesystem::file_size(path), 4u);
}

TEST(SnapshotFileTest, AGroupOfTheProcessMayWriteTheFile) {
  const TestDirectory directory;
  const std::string path = directory.Write("snapshot", "text");
  ASSERT_EQ(chown(path.c_str(), getuid(), getgid()), 0);
  ASSERT_EQ(chmod(path.c_str(), 0660), 0);
  EXPECT_TRUE(FileSource::Open(path).ok());
}

TEST(SnapshotFileTest, APathWithoutASlashIsInThisFolder) {
  EXPECT_EQ(FolderOf("/var/cache/snapshot"), "/var/cache");
  EXPECT_EQ(FolderOf("/snapshot"), "/");
  EXPECT_EQ(FolderOf("snapshot"), ".");
}

TEST(SnapshotFileTest, AFolderThatDoesNotExistIsAnError) {
  const TestDirectory directory;
  const auto file = FileReplacement::Begin(directory.Path("none/snapshot"));
  EXPECT_TRUE(absl::IsNotFound(file.status())) << file.status();
}

TEST(SnapshotFileTest, OnlyARegularFileOfThisUserIsRead) {
  const TestDirectory directory;
  EXPECT_TRUE(absl::IsNotFound(FileSource::Open(directory.Path("none")).status()));
  const std::string path = directory.Write("snapshot", "text");
  ASSERT_EQ(chmod(path.c_str(), 0602), 0);
  EXPECT_EQ(FileSource::Open(path).status().message(), "another user owns it or may write it");
  ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  EXPECT_TRUE(FileSource::Open(path).ok());
  ASSERT_EQ(symlink(path.c_str(), directory.Path("link").c_str()), 0);
  EXPECT_FALSE(FileSource::Open(directory.Path("link")).ok());
  ASSERT_EQ(mkfifo(directory.Path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(FileSource::Open(directory.Path("pipe")).status().message(),
            "it is not a regular file");
}

}  // namespace
}  // namespace dotcache
