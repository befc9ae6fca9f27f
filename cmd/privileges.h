// SPDX-License-Identifier: Apache-2.0
// Gives up the privileges that only the start needs.
#ifndef DOTCACHE_CMD_PRIVILEGES_H_
#define DOTCACHE_CMD_PRIVILEGES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace dotcache {

// The identity of a user.
struct UserIds {
  unsigned user = 0;
  unsigned group = 0;
};

// Finds a user by name or number. Without an entry in the user database, a number is user and
// group, and `nobody` is 65534. Root is `root` or `0`: every other name of the user 0 is an error.
absl::StatusOr<UserIds> FindUser(const std::string& user);

// True if the process is of root and `user` is another user.
bool LeavesRoot(const std::string& user);

// A process of root becomes `user`, with the user's group and no other. Until GiveUpRest() this
// thread can still bind ports below 1024, read every file and set marks, if root could; other
// threads lose all capabilities. The sockets of all starts belong to one user then, so that one
// start can take over the ports of another (SO_REUSEPORT).
// REQUIRES: LeavesRoot(user). After an error the process must not serve.
absl::Status BecomeUser(const std::string& user);

// Gives up the capabilities of this thread and of the threads that it will start, except
// CAP_NET_ADMIN with `keep_net_admin`. No program that the process could run gets new ones
// (PR_SET_NO_NEW_PRIVS).
absl::Status GiveUpRest(bool keep_net_admin);

// Returns those of the files that this process may not read. Empty names are ignored.
std::vector<std::string> Unreadable(const std::vector<std::string>& files);

// If not allowed, the kernel writes no core dump of this process, and no other process of the same
// user may read its memory. Both hold the names that clients query. To be called after
// BecomeUser(), which forbids them too.
void AllowCoreDumps(bool allowed);

}  // namespace dotcache

#endif  // DOTCACHE_CMD_PRIVILEGES_H_
