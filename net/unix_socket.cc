// SPDX-License-Identifier: Apache-2.0
#include "net/unix_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/status_macros.h"

namespace dotcache {
namespace {

constexpr int kBacklog = 16;

absl::StatusOr<sockaddr_un> AddressOf(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": a socket's path has at most ",
                                                   sizeof address.sun_path - 1, " octets"));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

absl::Status PathError(const std::string& path, absl::string_view action) {
  const int error = errno;
  return absl::ErrnoToStatus(error, absl::StrCat(path, ": cannot ", action));
}

}  // namespace

absl::StatusOr<UniqueFd> ConnectUnix(const std::string& path) {
  ASSIGN_OR_RETURN(const sockaddr_un address, AddressOf(path));
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid() ||
      connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return PathError(path, "connect");
  }
  return fd;
}

absl::StatusOr<UnixPath> UnixPath::Listen(const std::string& path, bool replace) {
  if (!replace && ConnectUnix(path).ok()) {
    return absl::AlreadyExistsError(absl::StrCat(path, ": another process listens there"));
  }
  struct stat present = {};
  if (lstat(path.c_str(), &present) == 0 && !S_ISSOCK(present.st_mode)) {
    return absl::AlreadyExistsError(absl::StrCat(path, ": is not a socket; name another path"));
  }
  // The socket gets its mode under another name, so that no other user can connect meanwhile.
  const std::string own_path = absl::StrCat(path, ".", getpid());
  ASSIGN_OR_RETURN(const sockaddr_un address, AddressOf(own_path));
  UnixPath listener(path, UniqueFd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)));
  unlink(own_path.c_str());
  struct stat status = {};
  const bool listens =
      listener.fd_.valid() &&
      bind(listener.fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      chmod(own_path.c_str(), S_IRUSR | S_IWUSR) == 0 &&
      listen(listener.fd_.get(), kBacklog) == 0 && stat(own_path.c_str(), &status) == 0 &&
      rename(own_path.c_str(), path.c_str()) == 0;
  if (!listens) {
    const absl::Status error = PathError(path, "listen");
    unlink(own_path.c_str());
    return error;
  }
  listener.device_ = status.st_dev;
  listener.inode_ = status.st_ino;
  return listener;
}

UnixPath::~UnixPath() {
  struct stat status = {};
  if (path_.empty() || inode_ == 0 || stat(path_.c_str(), &status) != 0) return;
  if (status.st_dev == device_ && status.st_ino == inode_) unlink(path_.c_str());
}

}  // namespace dotcache
