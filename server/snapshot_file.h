// SPDX-License-Identifier: Apache-2.0
// The file of a snapshot.
#ifndef DOTCACHE_SERVER_SNAPSHOT_FILE_H_
#define DOTCACHE_SERVER_SNAPSHOT_FILE_H_

#include <atomic>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/bytes.h"
#include "net/unique_fd.h"

namespace dotcache {

// The folder of a path.
std::string FolderOf(const std::string& path);

// Writes a file that replaces `path` only when it is complete: `path`.new is locked, written,
// synchronised with the disk and renamed. Only the user may read it. A file that a killed process
// left behind is written anew.
class FileReplacement {
 public:
  // Fails while another process writes `path`.new. When `give_up`, which may be null, becomes true,
  // the functions fail with kCancelled. It outlives this object.
  static absl::StatusOr<FileReplacement> Begin(const std::string& path,
                                               const std::atomic<bool>* give_up = nullptr);
  FileReplacement(FileReplacement&& other) noexcept = default;
  FileReplacement& operator=(FileReplacement&&) = delete;
  ~FileReplacement();  // Removes the temporary file unless Commit() succeeded.

  absl::Status Append(Bytes octets);
  absl::Status Commit();

 private:
  FileReplacement(const std::string& path, std::string temporary, UniqueFd fd,
                  const std::atomic<bool>* give_up)
      : path_(path), temporary_(std::move(temporary)), fd_(std::move(fd)), give_up_(give_up) {}

  absl::Status CheckGoesOn() const;

  std::string path_;
  std::string temporary_;
  UniqueFd fd_;
  const std::atomic<bool>* give_up_;
};

// Reads a file from its begin.
class FileSource {
 public:
  // NotFound: there is no such file. Fails for anything except a regular file of this user or of
  // root that no other user may write.
  static absl::StatusOr<FileSource> Open(const std::string& path);

  // Fills the buffer. Fails at the end of the file.
  absl::Status Read(MutableBytes octets);

  absl::Status CheckAtEnd();

 private:
  explicit FileSource(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_SNAPSHOT_FILE_H_
