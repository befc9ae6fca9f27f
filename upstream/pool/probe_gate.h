// SPDX-License-Identifier: Apache-2.0
// Keeps the workers of a process from probing a server all at once.
#ifndef DOTCACHE_UPSTREAM_POOL_PROBE_GATE_H_
#define DOTCACHE_UPSTREAM_POOL_PROBE_GATE_H_

#include <atomic>
#include <cstdint>

#include "core/clock.h"

namespace dotcache {

// What all workers share about one upstream server that is down: one of them probes it at a time,
// and the others learn from that; one of them tells the operator. Health is each worker's own;
// without this, a machine of many cores would open as many connections a second to a server in
// trouble. Any thread.
class ProbeGate {
 public:
  static constexpr Duration kInterval = Seconds(1);

  // True for one caller in an interval: it may probe now.
  bool TryPass(MonoTime now) {
    Duration::rep next = next_.load(std::memory_order_relaxed);
    const Duration::rep time = now.time_since_epoch().count();
    return time >= next && next_.compare_exchange_strong(next, time + Duration(kInterval).count(),
                                                         std::memory_order_relaxed);
  }

  // A worker that thought it down has heard from it.
  void NoteUp(MonoTime now) {
    up_at_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
  }

  // A worker has tried it in vain.
  void NoteFailed(MonoTime now) {
    failed_at_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
  }

  // What was told of the server; kDistrusted: down, because a certificate was refused; kUnasked:
  // down, because we have no descriptor or memory left to ask it.
  enum class Told : uint8_t { kUp, kDown, kDistrusted, kUnasked };

  // True for the first of all workers to tell this.
  bool TellOnce(Told what) { return told_.exchange(what, std::memory_order_relaxed) != what; }

  // When that was last; the clock's epoch when never.
  MonoTime up_at() const { return MonoTime(Duration(up_at_.load(std::memory_order_relaxed))); }
  MonoTime failed_at() const {
    return MonoTime(Duration(failed_at_.load(std::memory_order_relaxed)));
  }

 private:
  std::atomic<Duration::rep> next_{0};
  std::atomic<Duration::rep> up_at_{0};
  std::atomic<Duration::rep> failed_at_{0};
  std::atomic<Told> told_{Told::kUp};
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_POOL_PROBE_GATE_H_
