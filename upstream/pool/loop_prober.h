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

// Sends each server that MayLeadBack() one query for a name that does not exist: at Start(), every
// minute, and every ten seconds while it loops or does not respond. The query has a connection of
// its own, so that it affects neither the server's health nor other queries. A server whose probe
// comes back is a loop (LoopWatch). It is no loop after it answers a probe that has not come back.
// Logs both, and keeps the gauge `loops` of `counters`. A server with another address begins anew.
// One for each process; bound to its loop's thread. Limits: one probe for each server, for three
// seconds.
class LoopProber {
 public:
  // All of these outlive the prober.
  struct Context {
    EventLoop& loop;
    Connector& connector;
    LoopWatch& watch;
    absl::BitGenRef random;
  };

  static constexpr Duration kInterval = Seconds(60);
  static constexpr Duration kSoon = Seconds(10);
  static constexpr Duration kPatience = Seconds(3);

  // No server is probed before Use(). `workers` connect to the same servers.
  LoopProber(const Context& context, int workers);
  // `counters` (one element a server) outlive the prober, too.
  LoopProber(const Context& context, const UpstreamOptions& options,
             absl::Span<UpstreamCounters> counters);
  ~LoopProber();

  // Probes now, for example again after a change of the network. No effect if options.loop_check is
  // off.
  void Start();

  // The addresses of the servers now, by their index: host names have been resolved. A server
  // with another address is probed at once, after Start().
  void SetAddresses(absl::Span<const Endpoint> addresses);

  // The servers are these from now on. `indexes` and `counters` have one element for each, through
  // the zones in order. Servers with another index than before are probed at once, after Start().
  void Use(const UpstreamOptions& options, absl::Span<const int> indexes,
           absl::Span<UpstreamCounters* const> counters);

  // Sends no probe from now on.
  void Stop();

 private:
  class Probe;
  struct Server {
    DomainName zone;
    UpstreamServerOptions options;  // Of a host name: its slot, without an address.
    Endpoint address;
    size_t index = 0;
    UpstreamCounters* counters = nullptr;
    std::unique_ptr<Probe> probe;  // Null where there is nothing to find.
  };

  void End(Server& server);
  void Renew(Server& server);

  const Context context_;
  bool enabled_ = false;
  const int workers_;
  std::vector<Server> servers_;
  bool started_ = false;
  bool stopped_ = false;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_POOL_LOOP_PROBER_H_
