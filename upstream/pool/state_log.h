// SPDX-License-Identifier: Apache-2.0
// The log line about a server that went down or came back.
#ifndef DOTCACHE_UPSTREAM_POOL_STATE_LOG_H_
#define DOTCACHE_UPSTREAM_POOL_STATE_LOG_H_

#include "absl/strings/string_view.h"
#include "upstream/api/upstream_options.h"
#include "upstream/pool/probe_gate.h"
#include "upstream/pool/upstream_health.h"

namespace dotcache {

// What one worker has last told of one server, so that each change is told once; of all workers the
// first to see it writes the line. A certificate that fails, where it was something else, or no
// more, is a change; so is a server that is found bad where we had no means to ask it. Probation is
// not told: it was down and has not answered yet, or it is up and slow. Owned by the
// UpstreamServer.
class StateLog {
 public:
  // Writes nothing where `quiet`. `server` and `gate`, which the workers share, outlive the log.
  StateLog(const UpstreamServerOptions& server, ProbeGate& gate, bool quiet)
      : server_(server), gate_(gate), quiet_(quiet) {}

  // True when the server went down, with `cause` in words, or came back, since the latest call.
  bool Note(const UpstreamHealth& health, absl::string_view cause);

  bool told_up() const { return told_ == ProbeGate::Told::kUp; }

 private:
  const UpstreamServerOptions& server_;
  ProbeGate& gate_;
  const bool quiet_;
  ProbeGate::Told told_ = ProbeGate::Told::kUp;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_POOL_STATE_LOG_H_
