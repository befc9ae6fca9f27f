// SPDX-License-Identifier: Apache-2.0
#include "cmd/system_calls.h"

#include <seccomp.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace dotcache {
namespace {

// Each line is a reason. Names that the machine's architecture does not have are skipped.
constexpr const char* kAllowed[] = {
    // Memory.
    "brk", "madvise", "mmap", "mmap2", "mprotect", "mremap", "munmap",
    // Threads, and the end of the process.
    "clone", "clone3", "exit", "exit_group", "futex", "futex_time64", "get_robust_list", "getcpu",
    "getpid", "gettid", "membarrier", "rseq", "sched_getaffinity", "sched_yield", "set_robust_list",
    "set_tid_address", "tgkill",
    // Signals.
    "kill", "restart_syscall", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigtimedwait",
    "rt_sigtimedwait_time64", "sigaltstack",
    // The event loops.
    "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_wait", "eventfd2", "pipe2", "poll", "ppoll",
    "ppoll_time64", "pselect6", "select", "timerfd_create", "timerfd_settime", "timerfd_settime64",
    // Sockets of clients and upstream servers, of netlink and of the admin address.
    "accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "listen",
    "recvfrom", "recvmmsg", "recvmmsg_time64", "recvmsg", "sendmmsg", "sendmsg", "sendto",
    "setsockopt", "shutdown", "socket", "socketpair",
    // Open descriptors.
    "close", "dup", "dup3", "fcntl", "fcntl64", "fstat", "fstat64", "ioctl", "_llseek", "lseek",
    "pread64", "read", "readv", "write", "writev",
    // Certificates, keys, CAs and pins that changed, and the trust store.
    "access", "faccessat", "faccessat2", "getdents64", "fstatat64", "newfstatat", "open", "openat",
    "readlink", "readlinkat", "stat", "stat64", "statx",
    // The snapshot, and the files and sockets of an operator's commands.
    "chmod", "fchmod", "fchmodat", "flock", "fsync", "ftruncate", "ftruncate64", "rename",
    "renameat", "renameat2", "umask", "unlink", "unlinkat",
    // Time, random numbers and facts about the machine.
    "clock_getres", "clock_gettime", "clock_gettime64", "clock_nanosleep", "clock_nanosleep_time64",
    "getegid", "geteuid", "getgid", "getrandom", "getrusage", "gettimeofday", "getuid", "nanosleep",
    "prlimit64", "sysinfo", "time", "uname"};

using Filter = std::unique_ptr<void, decltype(&seccomp_release)>;

absl::Status Failed(absl::string_view step, int code) {
  return absl::PermissionDeniedError(
      absl::StrCat("system call filter: cannot ", step, ": ", std::strerror(-code)));
}

// Writes the number of the call. Only functions that are safe in a signal handler.
void OnForbiddenCall(int, siginfo_t* info, void*) {
  std::array<char, 80> line;
  constexpr absl::string_view kText = "system call not in the list of cmd/system_calls.cc: ";
  std::memcpy(line.data(), kText.data(), kText.size());
  size_t size = kText.size();
  int divisor = 1;
  while (info->si_syscall / divisor >= 10) divisor *= 10;
  for (; divisor > 0; divisor /= 10) {
    line[size++] = static_cast<char>('0' + info->si_syscall / divisor % 10);
  }
  line[size++] = '\n';
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line.data(), size);
  abort();
}

}  // namespace

bool CanConfine() {
#ifdef DOTCACHE_UNCONFINED
  return false;
#else
  return true;
#endif
}

absl::Status RestrictSystemCalls(SystemCallMode mode) {
  if (mode == SystemCallMode::kOff) return absl::OkStatus();
  const bool aborts = mode == SystemCallMode::kAbort;
  if (aborts) {
    struct sigaction action = {};
    action.sa_sigaction = &OnForbiddenCall;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSYS, &action, nullptr);
  }
  const Filter filter(seccomp_init(aborts ? SCMP_ACT_TRAP : SCMP_ACT_ERRNO(EPERM)),
                      &seccomp_release);
  if (filter == nullptr) return Failed("begin", -ENOMEM);
  for (const char* name : kAllowed) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR) continue;
    const int code = seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, number, 0);
    if (code < 0 && code != -EDOM) return Failed(absl::StrCat("allow ", name), code);
  }
  // All threads, also those that run already. A tree of comparisons, because the list is long. No
  // slower loads (SSB): they protect programs that run foreign code.
  for (const auto& [attribute, value] :
       {std::pair{SCMP_FLTATR_CTL_TSYNC, 1u}, std::pair{SCMP_FLTATR_CTL_SSB, 1u},
        std::pair{SCMP_FLTATR_CTL_OPTIMIZE, 2u}}) {
    if (const int code = seccomp_attr_set(filter.get(), attribute, value); code < 0) {
      return Failed("set its attributes", code);
    }
  }
  const int code = seccomp_load(filter.get());
  return code < 0 ? Failed("load", code) : absl::OkStatus();
}

}  // namespace dotcache
