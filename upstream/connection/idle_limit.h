// SPDX-License-Identifier: Apache-2.0
// How long a server lets connections idle.
#ifndef DOTCACHE_UPSTREAM_CONNECTION_IDLE_LIMIT_H_
#define DOTCACHE_UPSTREAM_CONNECTION_IDLE_LIMIT_H_

#include <algorithm>

#include "core/clock.h"

namespace dotcache {

// Learns from a server that closes idle connections. Later connections are closed here after four
// fifths of that time, so that no query is sent on a connection that is being closed. Each time the
// server does not close a connection first, the time grows by a tenth: the server may have closed
// it for another reason, such as a restart. One for each server, for all its connections; not
// thread-safe.
class IdleLimit {
 public:
  // The time that a connection may be idle, at most `configured`.
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
