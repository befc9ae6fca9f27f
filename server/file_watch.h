// SPDX-License-Identifier: Apache-2.0
// Whether files have changed since they were last looked at.
#ifndef DOTCACHE_SERVER_FILE_WATCH_H_
#define DOTCACHE_SERVER_FILE_WATCH_H_

#include <sys/stat.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace dotcache {

// Looks at the files to which the paths lead now: so a file that is written to, one that is renamed
// into place (as certbot does) and a symbolic link anywhere on the path that leads elsewhere (as
// Kubernetes does with volumes) are all noticed, which notifications of the kernel would not do.
// Not thread-safe.
class FileWatch {
 public:
  // Looks for the first time. To miss nothing, look before reading.
  explicit FileWatch(std::vector<std::string> paths);

  // True when a file is another one, came, went or was written to since the previous look.
  bool Changed();

  // An error that names the first path which leads to something else than a regular file: a FIFO
  // would keep its reader waiting. Whether there is a file at all its reader says better.
  absl::Status CheckRegular() const;

  const std::vector<std::string>& paths() const { return paths_; }

 private:
  // What tells a file from all others and from itself as it was; nullopt where there is none.
  struct Stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    timespec modified;  // The content,
    timespec changed;   // and anything of it, which nobody can set back.
  };

  static std::optional<Stamp> StampOf(const std::string& path);
  static bool IsSame(const std::optional<Stamp>& a, const std::optional<Stamp>& b);

  std::vector<std::string> paths_;
  std::vector<std::optional<Stamp>> stamps_;  // Of each path.
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_FILE_WATCH_H_
