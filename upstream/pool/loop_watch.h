// SPDX-License-Identifier: Apache-2.0
// Which upstream servers lead back to this process.
#ifndef DOTCACHE_UPSTREAM_POOL_LOOP_WATCH_H_
#define DOTCACHE_UPSTREAM_POOL_LOOP_WATCH_H_

#include <array>
#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "dns/domain_name.h"

namespace dotcache {

// Shared by the sender of test queries (LoopProber, one in a process) and their receivers, the
// query handlers of all workers: a test query may come back to any worker. A server whose test
// query has come back is a forwarding loop for all workers, until the sender clears it. All
// functions are safe from any thread.
class LoopWatch {
 public:
  // `servers`: as many as there are in UpstreamOptions, by the same indexes.
  explicit LoopWatch(size_t servers) { Grow(servers); }

  // From now on there are at least this many servers, at most kMaxServers. One thread calls it.
  static constexpr size_t kMaxServers = 65536;
  void Grow(size_t servers);

  bool loops(size_t server) const { return ServerAt(server).loops.load(std::memory_order_relaxed); }

  // A query with this name has come in. True if it is a test query of this process. Its number is
  // secret until it is sent, so only the server that got it can report a loop.
  bool OnQuery(const DomainName& qname);

  // The sender's. The number of the probe that now goes to the server; 0: none.
  void Expect(size_t server, uint64_t number) { ServerAt(server).expected.store(number); }
  // That probe is over: if it was answered without coming back, the server is no loop. Returns
  // whether it is one.
  bool Conclude(size_t server, bool answered);
  // The slot has another server now, which was not tested yet.
  void Forget(size_t server);

 private:
  struct Server {
    std::atomic<uint64_t> expected{0};  // The number of its latest probe.
    std::atomic<uint64_t> returned{0};  // And of the latest that came back.
    std::atomic<bool> loops{false};
  };

  // Servers do not move, because other threads use them.
  static constexpr size_t kPerBlock = 64;

  Server& ServerAt(size_t server) const {
    assert(server < count_.load(std::memory_order_relaxed));
    return blocks_[server / kPerBlock][server % kPerBlock];
  }

  std::array<std::unique_ptr<Server[]>, kMaxServers / kPerBlock> blocks_;
  std::atomic<size_t> count_{0};
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_POOL_LOOP_WATCH_H_
