// SPDX-License-Identifier: Apache-2.0
#include "server/file_watch.h"

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"

namespace dotcache {
namespace {

bool IsSameTime(const timespec& a, const timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

}  // namespace

FileWatch::FileWatch(std::vector<std::string> paths) : paths_(std::move(paths)) {
  for (const std::string& path : paths_) stamps_.push_back(StampOf(path, std::nullopt));
}

bool FileWatch::Changed() {
  bool changed = false;
  for (size_t i = 0; i < paths_.size(); ++i) {
    const std::optional<Stamp> stamp = StampOf(paths_[i], stamps_[i]);
    if (IsSame(stamp, stamps_[i])) continue;
    stamps_[i] = stamp;
    changed = true;
  }
  return changed;
}

absl::Status FileWatch::CheckRegular() const {
  for (const std::string& path : paths_) {
    struct stat found;
    if (stat(path.c_str(), &found) == 0 && !S_ISREG(found.st_mode)) {
      return absl::InvalidArgumentError(absl::StrCat(path, " is not a regular file"));
    }
  }
  return absl::OkStatus();
}

std::optional<FileWatch::Stamp> FileWatch::StampOf(const std::string& path,
                                                   const std::optional<Stamp>& previous) {
  struct stat found;
  if (stat(path.c_str(), &found) != 0) return errno == EACCES ? previous : std::nullopt;
  return Stamp{found.st_dev, found.st_ino, found.st_size, found.st_mtim, found.st_ctim};
}

bool FileWatch::IsSame(const std::optional<Stamp>& a, const std::optional<Stamp>& b) {
  if (!a.has_value() || !b.has_value()) return a.has_value() == b.has_value();
  return a->device == b->device && a->inode == b->inode && a->size == b->size &&
         IsSameTime(a->modified, b->modified) && IsSameTime(a->changed, b->changed);
}

}  // namespace dotcache
