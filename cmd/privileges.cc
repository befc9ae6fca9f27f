// SPDX-License-Identifier: Apache-2.0
#include "cmd/privileges.h"

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/status_macros.h"

namespace dotcache {
namespace {

constexpr uint64_t kBindService = uint64_t{1} << CAP_NET_BIND_SERVICE;
constexpr uint64_t kNetAdmin = uint64_t{1} << CAP_NET_ADMIN;
// Either lets a process read every file. Containers have only the second by default.
constexpr uint64_t kReadSearch = uint64_t{1} << CAP_DAC_READ_SEARCH;
constexpr uint64_t kOverride = uint64_t{1} << CAP_DAC_OVERRIDE;
constexpr unsigned kNobody = 65534;
constexpr unsigned kNoUser = ~0U;      // setresuid(2) would keep the user.
constexpr size_t kEntryBytes = 16384;  // Far more than any entry of the user database.

absl::Status Failed(absl::string_view step) {
  return absl::PermissionDeniedError(absl::StrCat("cannot ", step, ": ", std::strerror(errno)));
}

absl::Status CannotBecome(const std::string& user) {
  return absl::PermissionDeniedError(
      absl::StrCat("cannot become the user ", user, ": ", std::strerror(errno),
                   "; it needs CAP_SETUID and CAP_SETGID, or write user: root to stay root"));
}

// Sets the capabilities of this thread to those of `kept` that it has.
absl::Status KeepOnly(uint64_t kept) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets = {};
  if (syscall(SYS_capget, &header, sets.data()) != 0) return Failed("read the capabilities");
  bool changes = false;
  for (size_t i = 0; i < sets.size(); ++i) {
    const auto mask = static_cast<uint32_t>(kept >> (32 * i));
    const uint32_t left = sets[i].permitted & mask;
    changes |= sets[i].permitted != left || sets[i].effective != left || sets[i].inheritable != 0;
    sets[i] = {left, left, 0};
  }
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);  // Kernels before 4.3 have none.
  if (changes && syscall(SYS_capset, &header, sets.data()) != 0) {
    return Failed("give up the capabilities");
  }
  return absl::OkStatus();
}

bool IsRoot(const std::string& user) { return user == "root" || user == "0"; }

// The ids of a user, by the user database or by the number.
absl::StatusOr<UserIds> Resolve(const std::string& user) {
  unsigned number = 0;
  const bool is_number = absl::SimpleAtoi(user, &number);
  std::vector<char> buffer(kEntryBytes);
  passwd entry;
  passwd* found = nullptr;
  if (is_number) {
    getpwuid_r(number, &entry, buffer.data(), buffer.size(), &found);
  } else {
    getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found);
  }
  if (number == kNoUser) return absl::InvalidArgumentError(absl::StrCat(user, " is no user"));
  if (found != nullptr) return UserIds{found->pw_uid, found->pw_gid};
  if (is_number) return UserIds{number, number};
  if (user == "nobody") return UserIds{kNobody, kNobody};
  return absl::NotFoundError(
      absl::StrCat("there is no user \"", user, "\"; name another one, or a number"));
}

}  // namespace

absl::StatusOr<UserIds> FindUser(const std::string& user) {
  if (IsRoot(user)) return UserIds{0, 0};
  ASSIGN_OR_RETURN(const UserIds ids, Resolve(user));
  if (ids.user == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", user, "\" is another name of root; write root to stay root"));
  }
  return ids;
}

bool LeavesRoot(const std::string& user) { return geteuid() == 0 && !IsRoot(user); }

absl::Status BecomeUser(const std::string& user) {
  ASSIGN_OR_RETURN(const UserIds ids, FindUser(user));
  if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return CannotBecome(user);
  int signal_of_parent = 0;  // The kernel forgets it with the change.
  prctl(PR_GET_PDEATHSIG, &signal_of_parent, 0, 0, 0);
  if (setgroups(0, nullptr) != 0 || setresgid(ids.group, ids.group, ids.group) != 0 ||
      setresuid(ids.user, ids.user, ids.user) != 0) {
    return CannotBecome(user);
  }
  prctl(PR_SET_PDEATHSIG, signal_of_parent, 0, 0, 0);
  return KeepOnly(kBindService | kNetAdmin | kReadSearch | kOverride);
}

absl::Status GiveUpRest(bool keep_net_admin) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return Failed("refuse new privileges");
  return KeepOnly(keep_net_admin ? kNetAdmin : 0);
}

std::vector<std::string> Unreadable(const std::vector<std::string>& files) {
  std::vector<std::string> unreadable;
  for (const std::string& file : files) {
    if (!file.empty() && access(file.c_str(), R_OK) != 0) unreadable.push_back(file);
  }
  return unreadable;
}

void AllowCoreDumps(bool allowed) {
  prctl(PR_SET_DUMPABLE, allowed ? 1 : 0, 0, 0, 0);
  const rlimit none = {0, 0};
  if (!allowed) setrlimit(RLIMIT_CORE, &none);
}

}  // namespace dotcache
