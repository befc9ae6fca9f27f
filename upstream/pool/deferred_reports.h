// SPDX-License-Identifier: Apache-2.0
// Attempts whose end is told in the next turn of the loop.
#ifndef DOTCACHE_UPSTREAM_POOL_DEFERRED_REPORTS_H_
#define DOTCACHE_UPSTREAM_POOL_DEFERRED_REPORTS_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "core/event_loop.h"
#include "upstream/connection/connection.h"

namespace dotcache {

// What one server has to tell its owner, but not inside the call in which it became true. At most
// 256 attempts that lost their connection are told in a turn, so that thousands of them do not hold
// up all else. Owned by the UpstreamServer; bound to its loop's thread.
class DeferredReports {
 public:
  struct Batch {
    std::vector<AttemptId> lost;         // Their connection made way for another.
    std::vector<AttemptId> unconnected;  // Their connection was given up before it was ready.
    std::vector<AttemptId> distrusted;   // Their connection is from before the network changed.
  };

  // `tell` is called from the loop. `loop` outlives the object.
  DeferredReports(EventLoop& loop, absl::AnyInvocable<void(const Batch&)> tell);

  void AddLost(std::vector<AttemptId> attempts);
  void AddUnconnected(std::vector<AttemptId> attempts);
  // Takes the place of those that were to be told so.
  void SetDistrusted(std::vector<AttemptId> attempts);

  // Its end is not wanted any more.
  void Forget(AttemptId attempt);

 private:
  static constexpr size_t kMaxLostPerTurn = 256;

  void Tell();

  absl::AnyInvocable<void(const Batch&)> tell_;
  Batch waiting_;
  std::unique_ptr<Timer> timer_;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_POOL_DEFERRED_REPORTS_H_
