// SPDX-License-Identifier: Apache-2.0
// Notices changes of files.
#ifndef DOTCACHE_SERVER_FILE_WATCH_H_
#define DOTCACHE_SERVER_FILE_WATCH_H_

#include <sys/stat.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace dotcache {

// Compares the files at some paths with their state at the previous check. Uses stat() on each
// path, because kernel notifications miss some of these changes:
// - the file is written to;
// - another file is renamed into its place, as certbot does;
// - a symbolic link in the path is changed, as Kubernetes does with volumes.
// Not thread-safe.
class FileWatch {
 public:
  // Makes the first check. To miss no change, construct this object before you read the files.
  explicit FileWatch(std::vector<std::string> paths);

  // Returns true if a file was replaced, created, deleted or written to since the previous check.
  // A file in a folder that this process may not search counts as unchanged: it cannot be read.
  bool Changed();

  // Returns an error that names the first path that is not a regular file. A FIFO, for example,
  // would block its reader. A missing file is not an error here: the code that reads it reports it
  // better.
  absl::Status CheckRegular() const;

  const std::vector<std::string>& paths() const { return paths_; }

 private:
  // Identifies a file and its content. std::nullopt stands for a file that does not exist.
  struct Stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    timespec modified;  // Last change of the content.
    timespec changed;   // Last change of content or metadata. No program can set it back.
  };

  // Returns `previous` if this process may not search a folder of the path.
  static std::optional<Stamp> StampOf(const std::string& path,
                                      const std::optional<Stamp>& previous);
  static bool IsSame(const std::optional<Stamp>& a, const std::optional<Stamp>& b);

  std::vector<std::string> paths_;
  std::vector<std::optional<Stamp>> stamps_;  // One per path.
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_FILE_WATCH_H_
