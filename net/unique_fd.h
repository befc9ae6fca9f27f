// SPDX-License-Identifier: Apache-2.0
// An owned file descriptor.
#ifndef DOTCACHE_NET_UNIQUE_FD_H_
#define DOTCACHE_NET_UNIQUE_FD_H_

#include <unistd.h>

#include <utility>

namespace dotcache {

// Owns a file descriptor and closes it on destruction. -1 means no descriptor. Movable, not
// copyable.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1) {
    if (fd_ >= 0) close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

}  // namespace dotcache

#endif  // DOTCACHE_NET_UNIQUE_FD_H_
