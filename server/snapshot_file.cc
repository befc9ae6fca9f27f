// SPDX-License-Identifier: Apache-2.0
#include "server/snapshot_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/status_macros.h"

namespace dotcache {
namespace {

constexpr mode_t kOnlyOwner = S_IRUSR | S_IWUSR;

absl::Status Failed(absl::string_view step, absl::string_view path) {
  const int code = errno;
  return absl::ErrnoToStatus(code,
                             absl::StrCat("cannot ", step, " ", path, ": ", std::strerror(code)));
}

// Makes a rename durable.
absl::Status SyncFolder(const std::string& folder) {
  const UniqueFd fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() || fsync(fd.get()) != 0) return Failed("synchronise", folder);
  return absl::OkStatus();
}

// False if the file was renamed or removed since it was opened.
bool IsAt(int fd, const std::string& path) {
  struct stat ours = {};
  struct stat there = {};
  return fstat(fd, &ours) == 0 && stat(path.c_str(), &there) == 0 && ours.st_ino == there.st_ino &&
         ours.st_dev == there.st_dev;
}

// A volume of Kubernetes with fsGroup gives all files to a group of the process.
bool IsOurGroup(gid_t group) {
  if (group == getegid()) return true;
  std::vector<gid_t> groups(static_cast<size_t>(std::max(getgroups(0, nullptr), 0)));
  const int count = getgroups(static_cast<int>(groups.size()), groups.data());
  groups.resize(static_cast<size_t>(std::max(count, 0)));
  return std::find(groups.begin(), groups.end(), group) != groups.end();
}

}  // namespace

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

absl::StatusOr<FileReplacement> FileReplacement::Begin(const std::string& path,
                                                       const std::atomic<bool>* give_up) {
  std::string temporary = absl::StrCat(path, ".new");
  UniqueFd fd(open(temporary.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, kOnlyOwner));
  if (!fd.valid()) return Failed("create", temporary);
  // The process number would not keep two containers apart, a lock does.
  if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0 || !IsAt(fd.get(), temporary)) {
    return absl::UnavailableError(absl::StrCat("another process writes ", temporary));
  }
  if (ftruncate(fd.get(), 0) != 0) return Failed("empty", temporary);
  return FileReplacement(path, std::move(temporary), std::move(fd), give_up);
}

FileReplacement::~FileReplacement() {
  if (fd_.valid()) unlink(temporary_.c_str());
}

absl::Status FileReplacement::CheckGoesOn() const {
  if (give_up_ == nullptr || !give_up_->load(std::memory_order_relaxed)) return absl::OkStatus();
  return absl::CancelledError("given up");
}

absl::Status FileReplacement::Append(Bytes octets) {
  RETURN_IF_ERROR(CheckGoesOn());
  while (!octets.empty()) {
    const ssize_t written = write(fd_.get(), octets.data(), octets.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return Failed("write", temporary_);
    octets.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status FileReplacement::Commit() {
  RETURN_IF_ERROR(CheckGoesOn());
  if (fsync(fd_.get()) != 0) return Failed("synchronise", temporary_);
  RETURN_IF_ERROR(CheckGoesOn());  // It took long.
  if (rename(temporary_.c_str(), path_.c_str()) != 0) return Failed("rename to", path_);
  fd_.reset();
  return SyncFolder(FolderOf(path_));
}

absl::StatusOr<FileSource> FileSource::Open(const std::string& path) {
  // O_NONBLOCK: a pipe must not block the start.
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) return Failed("open", path);
  struct stat found = {};
  if (fstat(fd.get(), &found) != 0) return Failed("read", path);
  if (!S_ISREG(found.st_mode)) return absl::FailedPreconditionError("it is not a regular file");
  const bool is_ours = found.st_uid == geteuid() || found.st_uid == 0;
  const bool group_writes = (found.st_mode & S_IWGRP) != 0 && !IsOurGroup(found.st_gid);
  if (!is_ours || group_writes || (found.st_mode & S_IWOTH) != 0) {
    return absl::PermissionDeniedError("another user owns it or may write it");
  }
  return FileSource(std::move(fd));
}

absl::Status FileSource::Read(MutableBytes octets) {
  while (!octets.empty()) {
    const ssize_t count = read(fd_.get(), octets.data(), octets.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Failed("read", "it");
    if (count == 0) return absl::DataLossError("it is not complete");
    octets.remove_prefix(static_cast<size_t>(count));
  }
  return absl::OkStatus();
}

absl::Status FileSource::CheckAtEnd() {
  uint8_t octet = 0;
  const ssize_t count = read(fd_.get(), &octet, 1);
  return count == 0 ? absl::OkStatus() : absl::DataLossError("octets follow its end");
}

}  // namespace dotcache
