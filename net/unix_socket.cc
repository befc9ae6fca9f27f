// SPDX-License-Identifier: Apache-2.0
#include "net/unix_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
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

// Where the socket is until clients may connect.
std::string OwnPathOf(const std::string& path) { return absl::StrCat(path, ".", getpid()); }

// A process that does not accept, read or write cannot hold up the caller for ever.
void LimitTimes(int fd) {
  for (const auto& [option, seconds] : {std::pair{SO_SNDTIMEO, 5}, std::pair{SO_RCVTIMEO, 60}}) {
    const timeval limit = {.tv_sec = seconds, .tv_usec = 0};
    setsockopt(fd, SOL_SOCKET, option, &limit, sizeof limit);
  }
}

absl::Status PathError(const std::string& path, absl::string_view action) {
  const int error = errno;
  return absl::ErrnoToStatus(error, absl::StrCat(path, ": cannot ", action));
}

}  // namespace

absl::StatusOr<UniqueFd> ConnectUnix(const std::string& path) {
  ASSIGN_OR_RETURN(const sockaddr_un address, AddressOf(path));
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (fd.valid()) LimitTimes(fd.get());
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
  ASSIGN_OR_RETURN(UnixPath listener, Prepare(path));
  RETURN_IF_ERROR(listener.Publish());
  return listener;
}

absl::Status UnixPath::Check(const std::string& path) {
  RETURN_IF_ERROR(AddressOf(OwnPathOf(path)).status());
  struct stat present = {};
  if (lstat(path.c_str(), &present) == 0 && !S_ISSOCK(present.st_mode)) {
    return absl::AlreadyExistsError(absl::StrCat(path, ": is no socket; name another path"));
  }
  return absl::OkStatus();
}

absl::Status UnixPath::CheckFolder(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos || slash == 0) return absl::OkStatus();
  const std::string folder = path.substr(0, slash);
  struct stat present = {};
  if (stat(folder.c_str(), &present) == 0 && S_ISDIR(present.st_mode)) return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat(path, ": ", folder, " is no folder; make it first"));
}

absl::StatusOr<UnixPath> UnixPath::Prepare(const std::string& path) {
  RETURN_IF_ERROR(Check(path));
  RETURN_IF_ERROR(CheckFolder(path));
  // The socket gets its mode under another name, so that no other user can connect meanwhile.
  const std::string own_path = OwnPathOf(path);
  ASSIGN_OR_RETURN(const sockaddr_un address, AddressOf(own_path));
  UnixPath listener(path, UniqueFd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)));
  unlink(own_path.c_str());
  struct stat status = {};
  const bool listens =
      listener.fd_.valid() &&
      bind(listener.fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      chmod(own_path.c_str(), S_IRUSR | S_IWUSR) == 0 &&
      listen(listener.fd_.get(), kBacklog) == 0 && stat(own_path.c_str(), &status) == 0;
  if (!listens) {
    const absl::Status error = PathError(path, "listen");
    unlink(own_path.c_str());
    return error;
  }
  listener.own_path_ = own_path;
  listener.device_ = status.st_dev;
  listener.inode_ = status.st_ino;
  return listener;
}

absl::Status UnixPath::Publish() {
  if (own_path_.empty()) return absl::OkStatus();
  if (rename(own_path_.c_str(), path_.c_str()) != 0) return PathError(path_, "listen");
  own_path_.clear();
  return absl::OkStatus();
}

UnixPath::~UnixPath() {
  if (!path_.empty() && !own_path_.empty()) unlink(own_path_.c_str());
  struct stat status = {};
  if (path_.empty() || inode_ == 0 || stat(path_.c_str(), &status) != 0) return;
  if (status.st_dev == device_ && status.st_ino == inode_) unlink(path_.c_str());
}

}  // namespace dotcache
