// SPDX-License-Identifier: Apache-2.0
// Which servers are in charge of a question, in which order, and what next.
#ifndef DOTCACHE_UPSTREAM_EXCHANGE_UPSTREAM_MANAGER_H_
#define DOTCACHE_UPSTREAM_EXCHANGE_UPSTREAM_MANAGER_H_

#include <memory>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/random/bit_gen_ref.h"
#include "absl/types/span.h"
#include "core/event_loop.h"
#include "net/network_changes.h"
#include "upstream/api/exchanger.h"
#include "upstream/api/upstream_counters.h"
#include "upstream/api/upstream_options.h"
#include "upstream/connection/connection.h"
#include "upstream/exchange/explanation.h"
#include "upstream/pool/loop_watch.h"
#include "upstream/pool/probe_gate.h"

namespace dotcache {

// The Exchanger of one worker: finds the question's zone, asks the selector for an order, walks it
// until a server gives a usable response, the tries are used up (N+1 for N servers) or the deadline
// passes. Owns its UpstreamServers and, through them, the connections. Logs changes of a server's
// state, once per process, and where `log_state_changes` is set (one worker of many) those of
// zones, host names and address families. Bound to its loop's thread.
class UpstreamManager : public Exchanger {
 public:
  // All references must outlive the manager. `counters` and `probe_gates` have one element per
  // server, counted through the zones in order; the gates are shared with the managers of other
  // workers. `loops` says which servers are not to be used; null: none.
  UpstreamManager(EventLoop& loop, const UpstreamOptions& options, Connector& connector,
                  absl::Span<UpstreamCounters> counters, absl::Span<ProbeGate> probe_gates,
                  absl::BitGenRef random, bool log_state_changes, const LoopWatch* loops = nullptr);
  ~UpstreamManager() override;

  // Who resolves the host names of servers; outlives the manager. Before Start(), and only where
  // there are such names.
  void ResolveHostsBy(
      Exchanger& bootstrap, absl::AnyInvocable<void()> on_addresses = [] {});

  // Of all servers, in the order of the counters; 0.0.0.0:0 where a slot has no address.
  std::vector<Endpoint> Endpoints() const;

  // Opens the connections that options.mode.prewarm asks for, and has host names resolved. A query
  // for a zone all of whose servers are still to be resolved for the first time waits for that.
  void Start();

  // True once a server of the root zone has been connected to and authenticated.
  bool ready() const;

  // The connector makes connections to these servers, named by index, with other credentials now.
  void OnTrustChanged(absl::Span<const int> servers);

  // The ways to these servers, by their index among all, have changed, or the machine was
  // suspended: connections from before are not trusted, servers that are down are probed at once,
  // and what options.mode.prewarm asks for is opened again.
  void OnNetworkChange(const NetworkChange& change);

  // Takes no new exchanges (kUnavailable) and closes connections as they fall idle.
  void Drain();

  absl::StatusOr<ExchangeId> Exchange(const UpstreamQuery& query, MonoTime deadline,
                                      ExchangeCallback callback) override;
  void Cancel(ExchangeId id) override;

  // What would be done with a query for this name, and why.
  NameExplanation Explain(const DomainName& name) const;

  size_t exchange_count() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_EXCHANGE_UPSTREAM_MANAGER_H_
