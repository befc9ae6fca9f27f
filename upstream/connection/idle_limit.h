// SPDX-License-Identifier: Apache-2.0
// How long a server lets connections idle.
#ifndef DOTCACHE_UPSTREAM_CONNECTION_IDLE_LIMIT_H_
#define DOTCACHE_UPSTREAM_CONNECTION_IDLE_LIMIT_H_

#include <algorithm>

#include "core/clock.h"

namespace dotcache {

// Learns from a server that closes idle connections first: from then on they are closed here after
// four fifths of that time, so that no query meets a connection being closed. Each time the server
// did not close within what was allowed, that grows by a tenth, so that a server that closed for
// another reason, such as a restart, is trusted again. One for each server, for all its
// connections; not thread-safe.
class IdleLimit {
 public:
  // What a connection may idle, `configured` at the most.
  Duration Allowed(Duration configured) const { return std::min(configured, learned_); }

  // The server closed a connection without queries after this long.
  void NoteClosedByServer(Duration idle) { learned_ = std::max(idle * 4 / 5, kShortest); }

  // A connection without queries was closed here after Allowed().
  void NoteHeld() {
    if (learned_ < kUnknown / 2) learned_ += learned_ / 10;
  }

 private:
  // Less would be a handshake for each query, which costs more than a query that is sent again.
  static constexpr Duration kShortest = Milliseconds(100);
  static constexpr Duration kUnknown = Duration::max();

  Duration learned_ = kUnknown;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_CONNECTION_IDLE_LIMIT_H_
