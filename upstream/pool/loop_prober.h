// SPDX-License-Identifier: Apache-2.0
// Finds upstream servers that lead back to this process.
#ifndef DOTCACHE_UPSTREAM_POOL_LOOP_PROBER_H_
#define DOTCACHE_UPSTREAM_POOL_LOOP_PROBER_H_

#include <memory>
#include <vector>

#include "absl/random/bit_gen_ref.h"
#include "absl/types/span.h"
#include "core/event_loop.h"
#include "net/endpoint.h"
#include "upstream/api/upstream_counters.h"
#include "upstream/api/upstream_options.h"
#include "upstream/connection/connection.h"
#include "upstream/pool/loop_watch.h"

namespace dotcache {

// Sends each server that MayLeadBack() one query for a name that nobody has, over a connection of
// its own, so that neither the server's health nor its other queries are concerned: at Start(),
// every minute, and every ten seconds while it loops or says nothing. A server whose probe comes
// back is a loop (LoopWatch); it is none any more when it answers a probe that has not come back.
// Logs both, and keeps the gauge `loops` of `counters`. What was known of a server that gets
// another address is forgotten. One a process; bound to its loop's thread. Limits: one probe under
// way for each server, for three seconds.
class LoopProber {
 public:
  // What the prober works with; all of it outlives the prober.
  struct Context {
    EventLoop& loop;
    Connector& connector;
    LoopWatch& watch;
    absl::BitGenRef random;
  };

  static constexpr Duration kInterval = Seconds(60);
  static constexpr Duration kSoon = Seconds(10);
  static constexpr Duration kPatience = Seconds(3);

  // `options` and `counters` (one element a server) outlive the prober, too.
  LoopProber(const Context& context, const UpstreamOptions& options,
             absl::Span<UpstreamCounters> counters);
  ~LoopProber();

  // Probes now; again after a change of the network, say. Nothing where options.loop_check is off.
  void Start();

  // Where the servers are now, one element each: host names have been resolved. Who has moved is
  // probed at once, if that began.
  void SetAddresses(absl::Span<const Endpoint> addresses);

  // Sends no more, whatever is called.
  void Stop();

 private:
  class Probe;
  struct Server {
    const DomainName zone;
    const UpstreamServerOptions& options;  // Of a host name: its slot, without an address.
    Endpoint address;
    std::unique_ptr<Probe> probe;  // Null where there is nothing to find.
  };

  void Renew(size_t index);

  const Context context_;
  const bool enabled_;
  const absl::Span<UpstreamCounters> counters_;
  std::vector<Server> servers_;
  bool started_ = false;
  bool stopped_ = false;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_POOL_LOOP_PROBER_H_
