// SPDX-License-Identifier: Apache-2.0
#include "cmd/service_manager.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <map>

#include "absl/strings/str_cat.h"
#include "net/unique_fd.h"
#include "tests/support/test_directory.h"

namespace dotcache {
namespace {

using Variables = std::map<std::string, std::string>;

auto Reader(const Variables& variables) {
  return [&variables](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
}

// The socket of a service manager.
class Manager {
 public:
  explicit Manager(const std::string& path) : path_(path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    const bool is_abstract = path.front() == '@';
    if (is_abstract) address.sun_path[0] = '\0';
    const size_t size =
        offsetof(sockaddr_un, sun_path) + path.size() + (is_abstract ? size_t{0} : size_t{1});
    unlink(path.c_str());
    EXPECT_EQ(bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), static_cast<socklen_t>(size)),
              0);
  }
  ~Manager() { unlink(path_.c_str()); }
  std::string Next() const {
    char text[256];
    const ssize_t size = recv(fd_.get(), text, sizeof text, MSG_DONTWAIT);
    return size < 0 ? "" : std::string(text, static_cast<size_t>(size));
  }

 private:
  const std::string path_;
  UniqueFd fd_{socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
};

TEST(ServiceManagerTest, SendsEachChange) {
  const TestDirectory directory;
  for (const std::string& path :
       {directory.Path("notify.socket"), absl::StrCat("@dotcache-test-", getpid())}) {
    const Manager manager(path);
    const Variables variables = {{"NOTIFY_SOCKET", path}};
    const ServiceManager service(Reader(variables), getpid());
    service.Ready("Serving");
    EXPECT_EQ(manager.Next(), "READY=1\nSTATUS=Serving") << path;
    service.Reloading();
    EXPECT_EQ(manager.Next(), "RELOADING=1\nSTATUS=Reloading");
    service.Alive();
    EXPECT_EQ(manager.Next(), "WATCHDOG=1");
    service.Stopping();
    EXPECT_EQ(manager.Next(), "STOPPING=1\nSTATUS=Stopping");
  }
}

TEST(ServiceManagerTest, WithoutAServiceManagerNothingHappens) {
  const Variables none;
  const ServiceManager service(Reader(none), getpid());
  service.Ready("Serving");
  EXPECT_EQ(service.watchdog_interval(), std::nullopt);
}

TEST(ServiceManagerTest, WatchdogIsForItsOwnProcessOnly) {
  Variables variables = {{"WATCHDOG_USEC", "10000000"}, {"WATCHDOG_PID", "7"}};
  EXPECT_EQ(ServiceManager(Reader(variables), 7).watchdog_interval(), Milliseconds(5000));
  EXPECT_EQ(ServiceManager(Reader(variables), 8).watchdog_interval(), std::nullopt);
  variables = {{"WATCHDOG_USEC", "10000000"}};
  EXPECT_EQ(ServiceManager(Reader(variables), 8).watchdog_interval(), Milliseconds(5000));
  variables = {{"WATCHDOG_USEC", "soon"}};
  EXPECT_EQ(ServiceManager(Reader(variables), 8).watchdog_interval(), std::nullopt);
}

TEST(ServiceManagerTest, JournalIsRecognizedByItsStream) {
  struct stat status = {};
  ASSERT_EQ(fstat(STDERR_FILENO, &status), 0);
  Variables variables = {{"JOURNAL_STREAM", absl::StrCat(status.st_dev, ":", status.st_ino)}};
  EXPECT_TRUE(StandardErrorIsJournal(Reader(variables)));
  variables = {{"JOURNAL_STREAM", "1:2"}};
  EXPECT_FALSE(StandardErrorIsJournal(Reader(variables)));
  variables = {};
  EXPECT_FALSE(StandardErrorIsJournal(Reader(variables)));
}

}  // namespace
}  // namespace dotcache
