// SPDX-License-Identifier: Apache-2.0
// One upstream server: its connections, its health, its probes.
#ifndef DOTCACHE_UPSTREAM_POOL_UPSTREAM_SERVER_H_
#define DOTCACHE_UPSTREAM_POOL_UPSTREAM_SERVER_H_

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/random/bit_gen_ref.h"
#include "core/event_loop.h"
#include "dns/outgoing_query.h"
#include "upstream/api/upstream_counters.h"
#include "upstream/api/upstream_options.h"
#include "upstream/connection/connection.h"
#include "upstream/pool/address_families.h"
#include "upstream/pool/attempt_placer.h"
#include "upstream/pool/connect_pacing.h"
#include "upstream/pool/edns_support.h"
#include "upstream/pool/life_watch.h"
#include "upstream/pool/loop_watch.h"
#include "upstream/pool/server_connections.h"
#include "upstream/pool/server_delegate.h"
#include "upstream/pool/server_probes.h"
#include "upstream/pool/server_status.h"
#include "upstream/pool/state_log.h"
#include "upstream/pool/upstream_health.h"

namespace dotcache {

// Carries attempts over its connections, which AttemptPlacer chooses. Learns from the results
// whether the server can take queries. docs/upstream_rules.md has the rules for silent connections,
// for attempts that go alone, and for probes. It keeps no list of attempts: their exchanges own
// them. Owned by its zone; bound to its loop's thread.
class UpstreamServer : public Deletable,
                       private Connection::Delegate,
                       private AttemptPlacer::Server {
 public:
  using Delegate = ServerDelegate;

  // Shared by all servers of one manager. The references outlive the servers.
  struct Context {
    EventLoop& loop;
    const UpstreamLimits& limits;
    Connector& connector;
    absl::BitGenRef random;
    Delegate& delegate;
    AddressFamilies& families;
    const LoopWatch* loops = nullptr;  // Null: no loops are detected.
    bool quiet = false;                // No line about a server is logged.
  };

  // `index` counts the servers of all zones. Any server for `zone` answers a query for the zone's
  // NS records, with whatever RCODE: that is its sign of life. `counters` outlives the server.
  UpstreamServer(const Context& context, const UpstreamServerOptions& options, int index,
                 const DomainName& zone, UpstreamCounters& counters);
  ~UpstreamServer() override;

  // Sends the query, or queues it. Returns the reason if the
  // server takes no query.
  using SendMode = AttemptPlacer::Mode;
  std::variant<AttemptPlace, UpstreamFailure> Send(const UpstreamQuery& query, AttemptId attempt,
                                                   const SendMode& mode);

  // The result is not wanted now. REQUIRES: the attempt has not ended.
  void Forget(AttemptId attempt, const AttemptPlace& place);

  // Another attempt of its exchange was answered. REQUIRES: the attempt has not ended.
  void NoteAnsweredElsewhere(const AttemptPlace& place);

  // A response came to this query, which was sent at `before`. If the server does not understand
  // that much EDNS, sends the query again with less, as `attempt`. nullopt if the response is the
  // result.
  std::optional<AttemptPlace> SendWithLessEdns(const UpstreamQuery& query, AttemptId attempt,
                                               const ResponseFacts& response,
                                               const AttemptPlace& before);

  // The attempt has waited for `elapsed`, longer than usual. A late response is still reported.
  void OnAttemptLate(const AttemptPlace& place, Duration elapsed);

  // How long to wait before another server is queried: for an attempt that was sent, and for one
  // that waits for its connection.
  Duration SentPatience() const { return health_.AttemptTimeout(context_.limits); }
  Duration QueuedPatience() const;

  ServerStatus StatusAt(MonoTime now) const;

  // The attempt sent last was a hedge.
  void CountHedge() { counters_.hedges.Add(); }
  void SetErring(bool erring) { counters_.erring.Set(erring ? 1 : 0); }

  // Opens a connection if none would take a query.
  void Prepare();

  ServerProbes& probes() { return probes_; }

  // Trust, pins or our own certificate have changed. Connections from before take no query, new
  // ones replace them at once, and a server that is down is probed.
  void OnTrustChanged();

  // The route to the server has changed, or the machine was suspended. Idle connections and those
  // that connect are closed. Others are silent until a message comes; their attempts are reported
  // as stalled in the next turn. A server that is down is probed. With `link_down` the link has no
  // carrier: nothing is opened until the next change. Packets sent then would only delay those that
  // follow when the carrier is back, because the kernel requests the neighbour's address once a
  // second.
  void OnNetworkChange(bool link_down);

  // Without use it takes no query and is not probed, and its connections close when they become
  // idle. With use it is probed at once if it is down.
  void Use(bool use);

  // Closes connections when they become idle and opens one only for a Send().
  void Drain();
  // The same when another server takes its place. Gauges and log lines are the new server's.
  void Retire();

  // Another server has taken its place, or it is no longer configured.
  bool retired() const { return retired_; }

  // True when no connection is left after Drain().
  bool drained() const { return draining_ && connections_.empty(); }

  const UpstreamHealth& health() const { return health_; }
  // The cause for which it is down, in words.
  const std::string& down_cause() const { return state_log_.cause(); }
  // The latest failure of a connection, even while others are ready. nullopt: there was none.
  struct LastFailure {
    UpstreamFailure failure;
    std::string cause;  // In words.
    MonoTime time;
  };
  const std::optional<LastFailure>& last_failure() const { return last_failure_; }
  size_t ready_connections() const { return connections_.ready(); }
  int index() const { return index_; }
  const UpstreamServerOptions& options() const { return options_; }
  bool absent() const { return !options_.has_address(); }

 private:
  void OnConnectionReady(Connection& connection, bool resumed, Duration elapsed) override;
  void OnAttemptResult(Connection& connection, AttemptId attempt, AttemptResult result,
                       Duration elapsed) override;
  void OnLateResult(Connection& connection, const AttemptResult& result, Duration elapsed) override;
  void OnSignOfLife(Connection& connection) override;
  void OnMismatch(Connection& connection, std::optional<AttemptId> attempt) override;
  void OnConnectionClosed(Connection& connection, Connection::End end) override;

  bool MaySend() const override {
    return !health_.down() && !draining_ && !link_down_ && !taken_out_;
  }
  std::unique_ptr<Connection> Connect() override;
  AttemptPlace SendOn(ServerConnection& connection, const UpstreamQuery& query,
                      AttemptId attempt) override;
  void WakeInNextTurn() override { report_timer_->Start(Duration::zero()); }

  bool loops() const {
    return context_.loops != nullptr && context_.loops->loops(static_cast<size_t>(index_));
  }
  bool unusable() const { return absent() || taken_out_ || link_down_ || loops(); }
  bool is_udp() const { return options_.transport == Transport::kUdp; }
  bool MayProbe() const { return !draining_ && !unusable(); }

  void FailWaiting();
  void Report();
  void CloseIfDrained(ServerConnection& connection);
  void TakeOut(const Connection& connection);
  void NoteResponse(const AttemptResult& result, Duration elapsed);
  void NoteWord(const Connection& connection);
  void OnSilent(uint32_t number);
  void NoteCertificate(const Connection& connection);
  void NoteFailure(UpstreamFailure failure, absl::string_view cause);
  void AfterChange();

  const Context context_;
  const UpstreamServerOptions options_;
  const int index_;
  UpstreamCounters& counters_;
  UpstreamHealth health_;
  ConnectPacing pacing_;
  ServerConnections connections_;
  LifeWatch life_watch_;
  StateLog state_log_;
  EdnsSupport edns_;
  ServerProbes probes_;
  AttemptPlacer placer_;
  std::optional<LastFailure> last_failure_;
  std::vector<AttemptId> stalled_;  // By a change of the network: to be reported in the next turn,
  std::vector<AttemptId> unconnected_;   // and these as failed,
  std::unique_ptr<Timer> report_timer_;  // by this timer, which also sends what was held back.
  bool draining_ = false;
  bool retired_ = false;
  bool taken_out_ = false;
  bool link_down_ = false;
  MonoTime network_changed_;  // Queries sent before it give no response time.
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_POOL_UPSTREAM_SERVER_H_
