// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/loop_watch.h"

#include <optional>

#include "upstream/pool/loop_probe.h"

namespace dotcache {

bool LoopWatch::OnQuery(const DomainName& qname) {
  const std::optional<uint64_t> number = ReadLoopProbeName(qname);
  if (!number.has_value() || *number == 0) return false;
  for (Server& server : servers_) {
    if (server.expected.load() != *number) continue;
    server.returned.store(*number);
    server.loops.store(true);
    // It was forgotten meanwhile. No later probe might clear this.
    if (server.expected.load() == 0) server.loops.store(false);
    return true;
  }
  return false;
}

bool LoopWatch::Conclude(size_t server, bool answered) {
  Server& state = servers_[server];
  if (answered && state.returned.load() != state.expected.load()) state.loops.store(false);
  return state.loops.load();
}

void LoopWatch::Forget(size_t server) {
  servers_[server].expected.store(0);
  servers_[server].loops.store(false);
}

}  // namespace dotcache
