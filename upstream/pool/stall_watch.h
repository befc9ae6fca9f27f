// SPDX-License-Identifier: Apache-2.0
// Notices connections that have fallen silent with queries on them.
#ifndef DOTCACHE_UPSTREAM_POOL_STALL_WATCH_H_
#define DOTCACHE_UPSTREAM_POOL_STALL_WATCH_H_

#include <memory>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "core/event_loop.h"
#include "upstream/api/upstream_options.h"
#include "upstream/pool/upstream_health.h"
#include "upstream/pool/upstream_links.h"

namespace dotcache {

// Watches the connections of one server. One has stalled when it says nothing for
// UpstreamHealth::StallTime() although two queries wait on it, or one while the server is on
// probation: one slow name is no evidence against a server that answered before, two at once are.
// The time counts from the query that made them enough; later ones do not move it. After half of it
// the connection asks for a sign of life, so that names which nobody answers, however many, are
// told from a server that says nothing. Owned by the UpstreamServer; bound to its loop's thread.
class StallWatch {
 public:
  struct Stall {
    const Connection* connection;
    Duration silence;
  };

  // `on_stall` is called from the loop; the links named are marked silent by then. All references
  // outlive the watch.
  StallWatch(EventLoop& loop, const UpstreamLimits& limits, const UpstreamHealth& health,
             UpstreamLinks& links, absl::AnyInvocable<void(const std::vector<Stall>&)> on_stall);

  // A query went out on the link.
  void NoteSent(UpstreamLink& link);

  // Something came on it.
  static void NoteWord(UpstreamLink& link);

 private:
  void StartTimer(MonoTime at);
  void Check();

  EventLoop& loop_;
  const UpstreamLimits& limits_;
  const UpstreamHealth& health_;
  UpstreamLinks& links_;
  absl::AnyInvocable<void(const std::vector<Stall>&)> on_stall_;
  MonoTime next_check_;  // While the timer runs.
  std::unique_ptr<Timer> timer_;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_POOL_STALL_WATCH_H_
