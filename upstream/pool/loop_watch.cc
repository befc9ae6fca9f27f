// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/loop_watch.h"

#include <optional>

#include "upstream/pool/loop_probe.h"

namespace dotcache {

void LoopWatch::Grow(size_t servers) {
  assert(servers <= kMaxServers);
  const size_t count = count_.load(std::memory_order_relaxed);
  if (servers <= count) return;
  for (size_t block = 0; block * kPerBlock < servers; ++block) {
    if (blocks_[block] == nullptr) blocks_[block] = std::make_unique<Server[]>(kPerBlock);
  }
  count_.store(servers, std::memory_order_release);
}

bool LoopWatch::OnQuery(const DomainName& qname) {
  const std::optional<uint64_t> number = ReadLoopProbeName(qname);
  if (!number.has_value() || *number == 0) return false;
  const size_t count = count_.load(std::memory_order_acquire);
  for (size_t i = 0; i < count; ++i) {
    Server& server = ServerAt(i);
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
  Server& state = ServerAt(server);
  if (answered && state.returned.load() != state.expected.load()) state.loops.store(false);
  return state.loops.load();
}

void LoopWatch::Forget(size_t server) {
  ServerAt(server).expected.store(0);
  ServerAt(server).loops.store(false);
}

}  // namespace dotcache
