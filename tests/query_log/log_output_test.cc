// SPDX-License-Identifier: Apache-2.0
#include "query_log/log_output.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include "gtest/gtest.h"
#include "query_log/frame_stream.h"
#include "tests/support/test_directory.h"

namespace dotcache {
namespace {

using Kind = QueryLogTarget::Kind;

std::string TextOf(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::unique_ptr<LogOutput> Opened(Kind kind, const std::string& path) {
  auto output = LogOutput::Open({kind, path});
  EXPECT_TRUE(output.ok()) << output.status();
  return std::move(output).value_or(nullptr);
}

TEST(LogOutputTest, LinesAreAppendedToTheFile) {
  const TestDirectory directory;
  const std::string path = directory.Write("log", "old\n");
  EXPECT_TRUE(Opened(Kind::kFile, path)->Write("new\n", MonoTime()).ok());
  EXPECT_EQ(TextOf(path), "old\nnew\n");
}

TEST(LogOutputTest, ANewFileIsForItsUserOnly) {
  const TestDirectory directory;
  const std::string path = directory.Path("log");
  const auto output = Opened(Kind::kFile, path);
  struct stat found = {};
  ASSERT_EQ(stat(path.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777, 0600u);
}

TEST(LogOutputTest, ARenamedFileIsOpenedAgain) {
  const TestDirectory directory;
  const std::string path = directory.Path("log");
  const auto output = Opened(Kind::kFile, path);
  ASSERT_TRUE(output->Write("a\n", MonoTime()).ok());
  std::filesystem::rename(path, directory.Path("log.1"));
  ASSERT_TRUE(output->Write("b\n", MonoTime()).ok());
  EXPECT_EQ(TextOf(path), "b\n");
  EXPECT_EQ(TextOf(directory.Path("log.1")), "a\n");
}

TEST(LogOutputTest, AFileThatCannotBeOpenedIsAnErrorUntilItCan) {
  const TestDirectory directory;
  std::filesystem::create_directory(directory.Path("sub"));
  const std::string path = directory.Path("sub/log");
  const auto output = Opened(Kind::kFile, path);
  std::filesystem::remove_all(directory.Path("sub"));
  EXPECT_FALSE(output->Write("a\n", MonoTime()).ok());
  EXPECT_FALSE(LogOutput::Open({Kind::kFile, path}).ok());
  std::filesystem::create_directory(directory.Path("sub"));
  EXPECT_TRUE(output->Write("b\n", MonoTime()).ok());
  EXPECT_EQ(TextOf(path), "b\n");
}

TEST(LogOutputTest, ADnstapFileIsOneStreamAndTheOldOneIsKept) {
  const TestDirectory directory;
  const std::string path = directory.Write("tap", "old");
  {
    const auto output = Opened(Kind::kDnstapFile, path);
    output->Reopen();  // Was not renamed, so the stream goes on.
    ASSERT_TRUE(output->Write("data", MonoTime()).ok());
  }
  EXPECT_EQ(TextOf(path),
            FormatControl(FrameControl::kStart) + "data" + FormatControl(FrameControl::kStop));
  EXPECT_EQ(TextOf(path + ".old"), "old");
}

TEST(LogOutputTest, ADnstapFileFollowsARenameOnlyWhenItIsToldTo) {
  const TestDirectory directory;
  const std::string path = directory.Path("tap");
  const auto output = Opened(Kind::kDnstapFile, path);
  std::filesystem::rename(path, directory.Path("tap.1"));
  ASSERT_TRUE(output->Write("a", MonoTime()).ok());
  EXPECT_FALSE(std::filesystem::exists(path));
  output->Reopen();
  ASSERT_TRUE(output->Write("b", MonoTime()).ok());
  const std::string start = FormatControl(FrameControl::kStart);
  EXPECT_EQ(TextOf(directory.Path("tap.1")), start + "a" + FormatControl(FrameControl::kStop));
  EXPECT_EQ(TextOf(path), start + "b");
}

TEST(LogOutputTest, APipeIsAnErrorAndDoesNotBlock) {
  const TestDirectory directory;
  ASSERT_EQ(mkfifo(directory.Path("log").c_str(), 0600), 0);
  EXPECT_FALSE(LogOutput::Open({Kind::kFile, directory.Path("log")}).ok());
  // A reader lets the pipe be opened, and it is an error all the same.
  const UniqueFd reader(open(directory.Path("log").c_str(), O_RDONLY | O_NONBLOCK));
  EXPECT_EQ(LogOutput::Open({Kind::kFile, directory.Path("log")}).status().message(),
            directory.Path("log") + " is not a regular file");
}

TEST(LogOutputTest, ALinkIsNotFollowed) {
  const TestDirectory directory;
  std::filesystem::create_symlink(directory.Path("other"), directory.Path("log"));
  EXPECT_FALSE(LogOutput::Open({Kind::kFile, directory.Path("log")}).ok());
  EXPECT_FALSE(std::filesystem::exists(directory.Path("other")));
}

// A reader of dnstap in this process.
class FakeReader {
 public:
  explicit FakeReader(const std::string& path) : listener_(socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    EXPECT_EQ(bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(listen(listener_.get(), 1), 0);
  }

  // Accepts one writer, replies to its first frame, and returns everything up to its end.
  std::string ReadAll(const std::string& reply) const {
    const UniqueFd fd(accept(listener_.get(), nullptr, nullptr));
    std::string all;
    char piece[4096];
    ssize_t size = read(fd.get(), piece, sizeof(piece));
    EXPECT_EQ(write(fd.get(), reply.data(), reply.size()), static_cast<ssize_t>(reply.size()));
    for (; size > 0; size = read(fd.get(), piece, sizeof(piece))) {
      all.append(piece, static_cast<size_t>(size));
    }
    return all;
  }

 private:
  UniqueFd listener_;
};

// Returns what the reader gets if it replies with `reply`, and whether the write succeeded.
std::pair<std::string, bool> WriteTo(const std::string& reply) {
  const TestDirectory directory;
  const std::string path = directory.Path("socket");
  const FakeReader reader(path);
  std::string read;
  std::thread thread([&] { read = reader.ReadAll(reply); });
  auto output = Opened(Kind::kDnstapUnix, path);
  const bool ok = output->Write("data", MonoTime(Seconds{1})).ok();
  output.reset();
  thread.join();
  return {read, ok};
}

TEST(LogOutputTest, ASocketGetsAStreamAfterItsReaderAccepted) {
  const auto [read, ok] = WriteTo(FormatControl(FrameControl::kAccept));
  EXPECT_TRUE(ok);
  EXPECT_EQ(read, FormatControl(FrameControl::kReady) + FormatControl(FrameControl::kStart) +
                      "data" + FormatControl(FrameControl::kStop));
}

TEST(LogOutputTest, ASocketThatDoesNotAcceptGetsNothing) {
  const auto [read, ok] = WriteTo(FormatControl(FrameControl::kStop));
  EXPECT_FALSE(ok);
  EXPECT_EQ(read, FormatControl(FrameControl::kReady));
}

TEST(LogOutputTest, ASocketWithoutAReaderIsTriedAgainAfterASecond) {
  const TestDirectory directory;
  const std::string path = directory.Path("socket");
  auto output = Opened(Kind::kDnstapUnix, path);
  EXPECT_FALSE(output->Write("a", MonoTime(Seconds{1})).ok());
  const FakeReader reader(path);
  EXPECT_EQ(output->Write("b", MonoTime(Seconds{1})).message(), "no reader at " + path);
  std::string read;
  std::thread thread([&] { read = reader.ReadAll(FormatControl(FrameControl::kAccept)); });
  EXPECT_TRUE(output->Write("c", MonoTime(Seconds{2})).ok());
  output.reset();
  thread.join();
}

}  // namespace
}  // namespace dotcache
