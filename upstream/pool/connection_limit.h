// SPDX-License-Identifier: Apache-2.0
// How many connections a server allows.
#ifndef DOTCACHE_UPSTREAM_POOL_CONNECTION_LIMIT_H_
#define DOTCACHE_UPSTREAM_POOL_CONNECTION_LIMIT_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/clock.h"
#include "upstream/api/upstream_options.h"

namespace dotcache {

// The most connections of one worker to one server: as configured, or as the server has shown. It
// has shown its limit if it refused one more connection while others worked. After a minute one
// more is tried. A value; not thread-safe.
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
  void NoteRefused(size_t working, MonoTime now) {
    learned_ = std::max<size_t>(1, working);
    learned_until_ = now + kKept;
  }

 private:
  const size_t configured_;
  size_t learned_ = 0;
  MonoTime learned_until_;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_POOL_CONNECTION_LIMIT_H_
