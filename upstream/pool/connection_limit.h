// SPDX-License-Identifier: Apache-2.0
// How many connections a server allows.
#ifndef DOTCACHE_UPSTREAM_POOL_CONNECTION_LIMIT_H_
#define DOTCACHE_UPSTREAM_POOL_CONNECTION_LIMIT_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "core/clock.h"
#include "upstream/api/upstream_options.h"

namespace dotcache {

// The most connections of one worker to one server: as configured, or as the server has shown. It
// has shown its limit if it refused one more connection, and a message on another one follows. A
// server that restarts refuses connections too, but its others are lost. After a minute one more is
// tried. A value; not thread-safe.
class ConnectionLimit {
 public:
  static constexpr Duration kKept = Seconds(60);

  // The share of each worker of `UpstreamServerOptions::max_connections`, at least one.
  static size_t PerWorker(const UpstreamServerOptions& server, int workers) {
    if (server.max_connections == 0) return SIZE_MAX;
    return static_cast<size_t>(std::max(1, server.max_connections / workers));
  }

  explicit ConnectionLimit(size_t configured) : configured_(configured) {}

  size_t Allowed(MonoTime now) const {
    return now < learned_until_ ? std::min(learned_, configured_) : configured_;
  }

  // The server refused one more connection while `working` connections worked.
  void NoteRefused(size_t working) { refused_at_ = std::max<size_t>(1, working); }

  // A message came on one of them.
  void NoteMessage(MonoTime now) {
    if (refused_at_ == 0) return;
    learned_ = std::exchange(refused_at_, 0);
    learned_until_ = now + kKept;
  }

  // A further one was accepted. The refusal had another reason.
  void Doubt() { refused_at_ = 0; }
  // None is left. It may be another server by now.
  void Forget() {
    Doubt();
    learned_until_ = MonoTime();
  }

 private:
  const size_t configured_;
  size_t refused_at_ = 0;  // 0: no refusal is to be explained.
  size_t learned_ = 0;
  MonoTime learned_until_;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_POOL_CONNECTION_LIMIT_H_
