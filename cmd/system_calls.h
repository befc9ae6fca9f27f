// SPDX-License-Identifier: Apache-2.0
// Restricts the process to the system calls that it needs.
#ifndef DOTCACHE_CMD_SYSTEM_CALLS_H_
#define DOTCACHE_CMD_SYSTEM_CALLS_H_

#include "absl/status/status.h"

namespace dotcache {

// What happens at a system call that is not in the list.
enum class SystemCallMode {
  kOff,   // There is no filter.
  kDeny,  // The call fails with EPERM.
  // The process writes the number of the call to standard error and ends with SIGABRT. For tests:
  // a call that is missing in the list is seen.
  kAbort,
};

// False in builds with a sanitizer or for coverage (CMakeLists.txt). These restrict neither system
// calls nor core dumps: their runtimes need other calls, and the leak check reads the process by
// ptrace.
bool CanConfine();

// Restricts all threads of the process, and those that it starts later, to the list in
// system_calls.cc (seccomp). To be called after the start, which needs more calls. Cannot be
// undone.
// REQUIRES: PR_SET_NO_NEW_PRIVS is set.
absl::Status RestrictSystemCalls(SystemCallMode mode);

}  // namespace dotcache

#endif  // DOTCACHE_CMD_SYSTEM_CALLS_H_
