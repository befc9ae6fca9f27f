// SPDX-License-Identifier: Apache-2.0
// A std::mutex that clang's thread-safety analysis understands.
#ifndef DOTCACHE_CORE_MUTEX_H_
#define DOTCACHE_CORE_MUTEX_H_

#include <mutex>

#include "absl/base/thread_annotations.h"

namespace dotcache {

// A std::mutex with the annotations that let -Wthread-safety check ABSL_GUARDED_BY. An uncontended
// std::mutex is three to four times cheaper than absl::Mutex of this Abseil release.
class ABSL_LOCKABLE Mutex {
 public:
  void lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { mutex_.lock(); }
  void unlock() ABSL_UNLOCK_FUNCTION() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

// Locks a Mutex for the lifetime of this object.
class ABSL_SCOPED_LOCKABLE MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex) : mutex_(mutex) {
    mutex_.lock();
  }
  ~MutexLock() ABSL_UNLOCK_FUNCTION() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace dotcache

#endif  // DOTCACHE_CORE_MUTEX_H_
