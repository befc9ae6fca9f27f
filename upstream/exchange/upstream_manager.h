// SPDX-License-Identifier: Apache-2.0
// Carries a query to the servers of its zone until one of them answers.
#ifndef DOTCACHE_UPSTREAM_EXCHANGE_UPSTREAM_MANAGER_H_
#define DOTCACHE_UPSTREAM_EXCHANGE_UPSTREAM_MANAGER_H_

#include <memory>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/random/bit_gen_ref.h"
#include "absl/types/span.h"
#include "core/event_loop.h"
#include "net/network_watch.h"
#include "upstream/api/exchanger.h"
#include "upstream/api/upstream_counters.h"
#include "upstream/api/upstream_options.h"
#include "upstream/exchange/exchange_table.h"
#include "upstream/exchange/explanation.h"
#include "upstream/exchange/query_budget.h"
#include "upstream/exchange/upstream_hosts.h"
#include "upstream/exchange/upstream_zone.h"
#include "upstream/exchange/zone_set.h"

namespace dotcache {

// The Exchanger of one worker. It finds the zone of the question. At each event, Next() decides
// what the exchange does. Events are a result, a lost or silent connection, a server that has
// changed, and the exchange's one timer. Owns the zones and, through them, the servers and
// connections. Logs changes of servers, zones, host names and address families, except in quiet
// mode. Bound to its loop's thread. Limits: `limits.tuning.max_exchanges`; 4,096 exchanges that
// wait for the first address of a host name.
class UpstreamManager : public Exchanger, private UpstreamServer::Delegate {
 public:
  // All references outlive the manager. `numbered` has one element for each server, through the
  // zones in order. `loops` has the servers that lead back here; null: no loops
  // are detected.
  UpstreamManager(EventLoop& loop, const UpstreamOptions& options, Connector& connector,
                  absl::Span<const NumberedServer> numbered, absl::BitGenRef random,
                  const LoopWatch* loops = nullptr);
  // The same with the numbers 0, 1, 2 and so on.
  UpstreamManager(EventLoop& loop, const UpstreamOptions& options, Connector& connector,
                  absl::Span<UpstreamCounters> counters, absl::BitGenRef random,
                  const LoopWatch* loops = nullptr);
  ~UpstreamManager() override;

  // Sets what resolves the host names of servers. It outlives the manager. Called before Start(),
  // and only if there are host names. `on_addresses` is called after addresses have changed.
  void ResolveHostsBy(
      Exchanger& bootstrap, absl::AnyInvocable<void()> on_addresses = [] {});

  // Uses these zones, servers and limits from now on, and keeps the zones and servers whose numbers
  // are the same. Exchanges under way end at the servers that they have, or begin again.
  // `bootstrap` and `on_addresses` replace those of ResolveHostsBy(). A former bootstrap may be
  // destroyed after the call. Returns true if no server that an earlier call removed was left.
  // REQUIRES: Start() was called and Drain() was not.
  bool Use(
      const UpstreamOptions& options, absl::Span<const NumberedServer> numbered,
      Exchanger* bootstrap = nullptr, absl::AnyInvocable<void()> on_addresses = [] {});

  // By number of server. 0.0.0.0:0 for a number or slot without an address.
  std::vector<Endpoint> Endpoints() const { return zones_.Endpoints(); }

  // Opens the connections of options.mode.prewarm, and begins to resolve host names.
  void Start();

  // True after a server of the root zone was connected to and authenticated.
  bool ready() const { return ready_; }

  // The connector makes connections to these servers, by index, with other credentials now.
  void OnTrustChanged(absl::Span<const int> servers) { zones_.OnTrustChanged(servers); }

  // The routes to these servers have changed, or the machine was suspended.
  void OnNetworkChange(const NetworkChange& change);

  // Queries the servers of this provider in all zones, or no longer. Queries that it has go on.
  void UseProvider(absl::string_view name, bool use);

  // Takes no new exchanges (kUnavailable) and closes connections when they become idle.
  void Drain();

  ExchangeOr<ExchangeId> Exchange(const UpstreamQuery& query, MonoTime deadline,
                                  ExchangeCallback callback) override;
  void Cancel(ExchangeId id) override;

  // How a query for this name would be forwarded, and why.
  NameExplanation Explain(const DomainName& name) const;

  size_t exchange_count() const { return exchanges_.size(); }

 private:
  void OnAttemptPlaced(AttemptId attempt, const AttemptPlace& place) override;
  void OnAttemptSent(AttemptId attempt) override;
  void OnAttemptResult(AttemptId attempt, AttemptResult result) override;
  void OnAttemptLost(AttemptId attempt, size_t others) override;
  void OnAttemptDoubtful(AttemptId attempt) override;
  void OnAttemptsStalled(const std::vector<AttemptId>& attempts, StallCause cause) override;
  void OnServerChanged(UpstreamServer& server) override;

  ExchangeFailure Begin(ExchangeRecord& exchange, MonoTime deadline);
  void BeginAgain(ExchangeRecord& exchange);
  ExchangeFailure WaitForAddress(ExchangeRecord& exchange);
  bool CarryOut(ExchangeRecord& exchange, const UpstreamZone::Views& views);
  void WaitForServer(ExchangeRecord& exchange);
  void Ask(ExchangeRecord& exchange, const Decision& decision, const UpstreamZone::Views& views);
  void Proceed(ExchangeRecord& exchange);
  void OnError(ExchangeRecord& exchange, uint8_t server, std::optional<UpstreamResponse> response);
  void Finish(ExchangeRecord& exchange, ExchangeOr<UpstreamResponse> result);
  void Release(ExchangeRecord& exchange);
  void Wake();
  void WakeZone(UpstreamZone& zone);
  void WakeExchanges(UpstreamZone& zone);
  void OnHostChange(UpstreamZone& zone);
  void RetryAddressless(UpstreamZone& zone);

  EventLoop& loop_;
  UpstreamOptions options_;
  AddressFamilies families_;
  const UpstreamServer::Context context_;
  ZoneSet zones_;
  ExchangeTable exchanges_;
  QueryBudget hedges_{0.05, 50};  // One exchange in twenty may be hedged.
  std::unique_ptr<Timer> wake_timer_;
  std::unique_ptr<UpstreamHosts> hosts_;  // Null if every server is an address.
  std::vector<ExchangeId> addressless_;   // They wait for the first address of their zone.
  bool ready_ = false;
  bool draining_ = false;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_EXCHANGE_UPSTREAM_MANAGER_H_
