// SPDX-License-Identifier: Apache-2.0
// The log lines about a server that went down or came back.
#ifndef DOTCACHE_UPSTREAM_POOL_STATE_LOG_H_
#define DOTCACHE_UPSTREAM_POOL_STATE_LOG_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "core/event_loop.h"
#include "upstream/api/upstream_options.h"
#include "upstream/pool/upstream_health.h"

namespace dotcache {

// Logs each change of one server once: it went down, it is down because of another kind of failure,
// it is up. A trial is not logged. Limits: a burst of four lines, then one in ten seconds, with the
// state at that time. Owned by the UpstreamServer; bound to its loop's thread.
class StateLog {
 public:
  // Writes no line if `quiet`. `loop` and `server` outlive the log.
  StateLog(EventLoop& loop, const UpstreamServerOptions& server, bool quiet);

  // Notes the state of the server, with `cause` of its latest failure in words.
  void Note(const UpstreamHealth& health, absl::string_view cause);

  // The cause of the latest failure in words.
  const std::string& cause() const { return cause_; }

  // No line is written from now on.
  void Stop();

 private:
  // nullopt: the server is up.
  using Told = std::optional<UpstreamFailure>;

  static constexpr double kBurst = 4;
  static constexpr Duration kInterval = Seconds(10);

  void TellWhenAllowed();

  EventLoop& loop_;
  const UpstreamServerOptions& server_;
  const bool quiet_;
  bool stopped_ = false;
  Told now_;
  std::string cause_;
  Told told_;
  double lines_left_ = kBurst;
  MonoTime lines_counted_;
  std::unique_ptr<Timer> timer_;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_POOL_STATE_LOG_H_
