// SPDX-License-Identifier: Apache-2.0
#include "cmd/system_calls.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <thread>

#include "gtest/gtest.h"

namespace dotcache {
namespace {

void Restrict(SystemCallMode mode) {
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  const absl::Status status = RestrictSystemCalls(mode);
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  _exit(99);
}

// True if chdir() is refused. It is not in the list.
bool IsRefused() { return chdir("/nonexistent/folder") != 0 && errno == EPERM; }

[[noreturn]] void Deny() {
  Restrict(SystemCallMode::kDeny);
  if (!IsRefused()) _exit(1);
  bool refused_in_thread = false;
  std::thread([&] { refused_in_thread = IsRefused(); }).join();
  _exit(refused_in_thread ? 0 : 2);
}

[[noreturn]] void DenyOlderThreads() {
  std::atomic<bool> filtered{false};
  bool refused = false;
  std::thread older([&] {
    filtered.wait(false);
    refused = IsRefused();
  });
  Restrict(SystemCallMode::kDeny);
  filtered = true;
  filtered.notify_all();
  older.join();
  _exit(refused ? 0 : 1);
}

TEST(SystemCallsDeathTest, OtherCallsFailInEveryThread) {
  if (!CanConfine()) GTEST_SKIP() << "a build with a sanitizer";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(Deny(), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(DenyOlderThreads(), testing::ExitedWithCode(0), "");
}

[[noreturn]] void Abort() {
  Restrict(SystemCallMode::kAbort);
  IsRefused();
  _exit(0);
}

TEST(SystemCallsDeathTest, AbortNamesTheCall) {
  if (!CanConfine()) GTEST_SKIP() << "a build with a sanitizer";
  EXPECT_EXIT(Abort(), testing::KilledBySignal(SIGABRT), "system call not in the list .*: [0-9]+");
}

TEST(SystemCallsTest, OffRestrictsNothing) {
  EXPECT_TRUE(RestrictSystemCalls(SystemCallMode::kOff).ok());
  EXPECT_FALSE(IsRefused());
}

}  // namespace
}  // namespace dotcache
