// The log line about a server that went down or came back.
#ifndef DOTCACHE_UPSTREAM_STATE_LOG_H_
#define DOTCACHE_UPSTREAM_STATE_LOG_H_

#include "absl/strings/string_view.h"
#include "upstream/upstream_health.h"
#include "upstream/upstream_options.h"

namespace dotcache {

// What was last told of one server, so that each change is told once. Probation is not told: it was
// down and has not answered yet, or it is up and slow. Owned by the UpstreamServer.
class StateLog {
 public:
  // Writes nothing unless `enabled`. `server` outlives the log.
  StateLog(const UpstreamServerOptions& server, bool enabled)
      : server_(server), enabled_(enabled) {}

  // True when the server went down, with `cause` in words, or came back, since the latest call.
  bool Note(const UpstreamHealth& health, absl::string_view cause);

  bool told_up() const { return told_up_; }

 private:
  const UpstreamServerOptions& server_;
  const bool enabled_;
  bool told_up_ = true;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_STATE_LOG_H_
