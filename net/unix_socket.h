// SPDX-License-Identifier: Apache-2.0
// Stream sockets in the file system.
#ifndef DOTCACHE_NET_UNIX_SOCKET_H_
#define DOTCACHE_NET_UNIX_SOCKET_H_

#include <sys/types.h>

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "net/unique_fd.h"

namespace dotcache {

// A path at which only the user of this process can connect (mode 0600).
class UnixPath {
 public:
  // Binds and listens. A path that a dead process left is replaced. If a process listens there, the
  // result is kAlreadyExists, unless `replace` is true: then new clients reach this process. A path
  // that is no socket is kept, and the result is kAlreadyExists.
  static absl::StatusOr<UnixPath> Listen(const std::string& path, bool replace);

  // An error if Listen() cannot succeed: the path is too long or no socket.
  static absl::Status Check(const std::string& path);
  // An error if the path has no folder.
  static absl::Status CheckFolder(const std::string& path);

  // The same as Listen() with `replace`, but clients reach another process until Publish(). Without
  // it the path stays as it is.
  static absl::StatusOr<UnixPath> Prepare(const std::string& path);
  absl::Status Publish();

  UnixPath(UnixPath&& other) noexcept = default;
  UnixPath& operator=(UnixPath&&) = delete;
  // Removes the path, unless another process has replaced it.
  ~UnixPath();

  // Hands over the listening, non-blocking socket. REQUIRES: called once.
  UniqueFd TakeFd() { return std::move(fd_); }

 private:
  UnixPath(std::string path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  std::string path_;      // Empty after a move.
  std::string own_path_;  // Where the socket is before Publish(). Empty after it.
  UniqueFd fd_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

// The connect and each send may last 5 s, each receive 60 s.
// Connects to a path. An error text has what is wrong with it.
absl::StatusOr<UniqueFd> ConnectUnix(const std::string& path);

}  // namespace dotcache

#endif  // DOTCACHE_NET_UNIX_SOCKET_H_
