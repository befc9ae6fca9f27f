// SPDX-License-Identifier: Apache-2.0
#include "net/unix_socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "tests/support/test_directory.h"

namespace dotcache {
namespace {

class UnixSocketTest : public testing::Test {
 protected:
  bool Exists() const { return access(path_.c_str(), F_OK) == 0; }
  const TestDirectory directory_;
  const std::string path_ = directory_.Path("control.socket");
};

TEST_F(UnixSocketTest, OnlyTheOwnUserCanConnectAndThePathIsRemoved) {
  {
    auto listener = UnixPath::Listen(path_, /*replace=*/false);
    ASSERT_TRUE(listener.ok()) << listener.status();
    struct stat status = {};
    ASSERT_EQ(stat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
    const UniqueFd fd = listener->TakeFd();
    EXPECT_TRUE(ConnectUnix(path_).ok());
    EXPECT_TRUE(UniqueFd(accept(fd.get(), nullptr, nullptr)).valid());
  }
  EXPECT_FALSE(Exists());
  EXPECT_FALSE(ConnectUnix(path_).ok());
}

TEST_F(UnixSocketTest, FileThatIsNoSocketIsKept) {
  std::ofstream(path_) << "text";
  for (const bool replace : {false, true}) {
    EXPECT_EQ(UnixPath::Listen(path_, replace).status().code(), absl::StatusCode::kAlreadyExists);
  }
  std::string text;
  std::ifstream(path_) >> text;
  EXPECT_EQ(text, "text");
}

TEST_F(UnixSocketTest, APreparedPathBelongsToTheOtherProcessUntilItIsPublished) {
  auto first = UnixPath::Listen(path_, /*replace=*/false);
  ASSERT_TRUE(first.ok());
  const UniqueFd fd = first->TakeFd();
  const auto reaches_first = [&] {
    const bool connected = ConnectUnix(path_).ok();
    return UniqueFd(accept(fd.get(), nullptr, nullptr)).valid() && connected;
  };
  { ASSERT_TRUE(UnixPath::Prepare(path_).ok()); }  // Its process failed to start.
  EXPECT_TRUE(reaches_first());
  auto second = UnixPath::Prepare(path_);
  ASSERT_TRUE(second.ok());
  EXPECT_TRUE(reaches_first());
  ASSERT_TRUE(second->Publish().ok());
  EXPECT_FALSE(reaches_first());
}

TEST_F(UnixSocketTest, ACheckFindsAPathThatCannotBeUsed) {
  EXPECT_TRUE(UnixPath::Check(path_).ok());
  EXPECT_FALSE(UnixPath::Check(std::string(200, 'a')).ok());
  EXPECT_TRUE(absl::IsNotFound(UnixPath::CheckFolder(directory_.Path("none/control"))));
  std::ofstream(path_) << "text";
  EXPECT_TRUE(absl::IsAlreadyExists(UnixPath::Check(path_)));
}

TEST_F(UnixSocketTest, PathOfALivingProcessIsKeptUnlessItIsReplaced) {
  auto first = UnixPath::Listen(path_, /*replace=*/false);
  ASSERT_TRUE(first.ok());
  auto fd = std::make_unique<UniqueFd>(first->TakeFd());
  EXPECT_TRUE(absl::IsAlreadyExists(UnixPath::Listen(path_, /*replace=*/false).status()));
  {
    auto second = UnixPath::Listen(path_, /*replace=*/true);
    ASSERT_TRUE(second.ok()) << second.status();
    const UniqueFd second_fd = second->TakeFd();
    ASSERT_TRUE(ConnectUnix(path_).ok());
    EXPECT_TRUE(UniqueFd(accept(second_fd.get(), nullptr, nullptr)).valid());
    UnixPath ended = *std::move(first);  // Ends here, and leaves the path of the second one.
  }
  EXPECT_FALSE(Exists());
}

TEST_F(UnixSocketTest, PathOfADeadProcessIsReplaced) {
  const std::string other = path_ + ".other";
  {
    auto dead = UnixPath::Listen(path_, /*replace=*/false);
    ASSERT_TRUE(dead.ok());
    ASSERT_EQ(link(path_.c_str(), other.c_str()), 0);
  }
  ASSERT_EQ(rename(other.c_str(), path_.c_str()), 0);
  EXPECT_TRUE(Exists());
  EXPECT_TRUE(UnixPath::Listen(path_, /*replace=*/false).ok());
}

TEST_F(UnixSocketTest, ErrorsNameThePath) {
  const auto missing = UnixPath::Listen("/nonexistent/control.socket", /*replace=*/false);
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kNotFound);
  EXPECT_NE(missing.status().message().find("/nonexistent/control.socket"), std::string::npos);
  EXPECT_FALSE(UnixPath::Listen(std::string(200, 'x'), /*replace=*/false).ok());
}

}  // namespace
}  // namespace dotcache
