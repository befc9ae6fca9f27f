// SPDX-License-Identifier: Apache-2.0
#include "cmd/privileges.h"

#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dotcache {
namespace {

constexpr unsigned kNobody = 65534;
constexpr uint64_t kNetAdmin = uint64_t{1} << CAP_NET_ADMIN;

TEST(PrivilegesTest, UsersAreFoundByNameAndNumber) {
  EXPECT_EQ(FindUser("root")->user, 0u);
  EXPECT_EQ(FindUser("0")->group, 0u);
  EXPECT_EQ(FindUser("nobody")->user, kNobody);
  EXPECT_EQ(FindUser("123456")->user, 123456u);
  EXPECT_EQ(FindUser("123456")->group, 123456u);
  EXPECT_THAT(std::string(FindUser("nosuchuser").status().message()),
              testing::HasSubstr("there is no user \"nosuchuser\""));
}

TEST(PrivilegesTest, OtherNamesOfRootAreErrors) {
  for (const char* user : {"00", "000"}) {
    EXPECT_THAT(std::string(FindUser(user).status().message()),
                testing::HasSubstr("another name of root; write root"));
  }
  // setresuid(2) takes this number as "no change".
  EXPECT_FALSE(FindUser("4294967295").ok());
  EXPECT_FALSE(FindUser("4294967296").ok());
}

TEST(PrivilegesTest, MissingFilesAreUnreadable) {
  EXPECT_THAT(Unreadable({"", "/proc/self/status", "/nonexistent/file"}),
              testing::ElementsAre("/nonexistent/file"));
}

// The permitted capabilities of this thread.
uint64_t Capabilities() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets = {};
  syscall(SYS_capget, &header, sets.data());
  return uint64_t{sets[1].permitted} << 32 | sets[0].permitted;
}

// Runs in a child process. The exit code says how far it came.
[[noreturn]] void GiveUpAll(bool keep_net_admin) {
  prctl(PR_SET_PDEATHSIG, SIGUSR2, 0, 0, 0);
  if (!BecomeUser("nobody").ok()) _exit(1);
  int signal_of_parent = 0;
  prctl(PR_GET_PDEATHSIG, &signal_of_parent, 0, 0, 0);
  if (signal_of_parent != SIGUSR2) _exit(10);
  if (getuid() != kNobody || geteuid() != kNobody || getgid() != kNobody) _exit(2);
  if (getgroups(0, nullptr) != 0) _exit(3);
  if (!GiveUpRest(keep_net_admin).ok()) _exit(4);
  if (setuid(0) == 0) _exit(5);
  if (Capabilities() != (keep_net_admin ? kNetAdmin : 0)) _exit(6);
  if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) _exit(7);
  AllowCoreDumps(false);
  if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0) _exit(8);
  AllowCoreDumps(true);
  if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 1) _exit(9);
  _exit(0);
}

TEST(PrivilegesDeathTest, ProcessOfRootGivesUpEverything) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  EXPECT_TRUE(LeavesRoot("nobody"));
  EXPECT_FALSE(LeavesRoot("root"));
  EXPECT_FALSE(LeavesRoot("0"));
  EXPECT_EXIT(GiveUpAll(false), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(GiveUpAll(true), testing::ExitedWithCode(0), "");
}

[[noreturn]] void BecomeUserTwice() {
  if (!BecomeUser("nobody").ok()) _exit(1);
  const absl::Status status = BecomeUser("root");
  std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  _exit(status.ok() ? 2 : 0);
}

TEST(PrivilegesDeathTest, WithoutThePrivilegeTheErrorNamesTheRemedy) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  EXPECT_EXIT(BecomeUserTwice(), testing::ExitedWithCode(0), "write user: root to stay root");
}

}  // namespace
}  // namespace dotcache
