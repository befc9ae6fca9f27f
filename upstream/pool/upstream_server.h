// SPDX-License-Identifier: Apache-2.0
// One configured upstream server: its connections, its health, its probes.
#ifndef DOTCACHE_UPSTREAM_POOL_UPSTREAM_SERVER_H_
#define DOTCACHE_UPSTREAM_POOL_UPSTREAM_SERVER_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/random/bit_gen_ref.h"
#include "core/event_loop.h"
#include "upstream/api/upstream_counters.h"
#include "upstream/connection/connection.h"
#include "upstream/pool/address_families.h"
#include "upstream/pool/attempt_table.h"
#include "upstream/pool/connect_pacing.h"
#include "upstream/pool/deferred_reports.h"
#include "upstream/pool/loop_watch.h"
#include "upstream/pool/probe_gate.h"
#include "upstream/pool/server_snapshot.h"
#include "upstream/pool/stall_watch.h"
#include "upstream/pool/state_log.h"
#include "upstream/pool/upstream_health.h"
#include "upstream/pool/upstream_links.h"

namespace dotcache {

// Carries attempts over as few connections as have room, the first one first, so that queries share
// writes; opens another when none has room, or when queries queue on crowded ones, up to
// max_connections_per_server. While the server is
// down, one probe at a time, a plain connection attempt, goes out by itself whenever it is due, and
// at most one a second of all workers.
// After a failed connect, no other than a probe begins for 500 ms. A connection on which a query
// timed out and nothing came since the query is passed over until something comes. So is one that
// has stalled (StallWatch). Where all are, one beyond the limit is opened. At the limit the oldest
// such makes way: one that nobody waits for, or that has been silent for a second; then the
// attempts on it are lost. Until then queries go over the one that fell silent last: it may only be
// slow.
//
// A server may close a connection because of one query on it, and nobody can tell which of those in
// flight it was. So an attempt whose exchange has lost a connection before may ask to go alone:
// over a connection that nobody shares, at most kMaxAlone of them at a time beyond the limit above,
// others waiting their turn. A connection that proved good is shared from then on. Owned by the
// UpstreamManager; bound to its loop's thread.
class UpstreamServer : private Connection::Delegate {
 public:
  // The owner, which outlives the server. No function is called inside a call into the server.
  class Delegate {
   public:
    virtual ~Delegate() = default;
    // What came of an attempt that was not forgotten. Once for each; the attempt is over.
    virtual void OnAttemptResult(AttemptId attempt, AttemptResult result) = 0;
    // The same for one whose connection was lost, together with `others` more.
    virtual void OnAttemptLost(AttemptId attempt, size_t others) = 0;
    // Something came for the attempt that was not its response. It goes on.
    virtual void OnAttemptDoubtful(AttemptId attempt) = 0;
    // Connected and authenticated.
    virtual void OnServerReady(UpstreamServer& server) = 0;
    // The connection of these attempts has stalled; they go on, with little hope.
    virtual void OnStall(const std::vector<AttemptId>& attempts) = 0;
    // A server went down. This one may come inside a call: only to take note.
    virtual void OnServerDown() {}
  };

  // What all servers of one manager share. The references outlive the servers.
  struct Context {
    EventLoop& loop;
    const UpstreamLimits& limits;
    Connector& connector;
    absl::BitGenRef random;
    Delegate& delegate;
    AddressFamilies& families;
    bool log_state_changes;            // Of more than a server: it is one worker that does.
    const LoopWatch* loops = nullptr;  // Null: none is known.
    bool quiet = false;                // Nothing of a server is logged.
  };

  // `index` counts through all zones. `counters` and `probe_gate`, which the servers of other
  // workers with the same index share, outlive the server.
  UpstreamServer(const Context& context, const UpstreamServerOptions& options, int index,
                 UpstreamCounters& counters, ProbeGate& probe_gate);
  ~UpstreamServer() override;

  struct SendMode {
    bool last_resort = false;  // Even while the server is down.
    bool fresh = false;        // Rather over a connection that is only being opened.
    bool alone = false;
    bool with_probe = false;  // Even while the server is down, if a connect has just begun.
  };
  static constexpr size_t kMaxAlone = 4;
  // Tried for so long in vain it is dead rather than starting again.
  static constexpr Duration kDeadAfter = Seconds(1);

  // Sends the query, or queues it on a connection that is being opened; or returns why not. While
  // the server is down, only a `last_resort` goes out: on the probe under way, or on
  // a new one when the latest began 100 ms ago; and what goes `with_probe`, on one that has just
  // begun.
  std::optional<UpstreamFailure> Send(const UpstreamQuery& query, AttemptId attempt, SendMode mode);

  // The result is not wanted any more. Unknown attempts are ignored.
  void Forget(AttemptId attempt);

  // How much longer to wait for this attempt before another server is asked: shorter while it waits
  // for a connection. Unknown attempts: none.
  Duration Patience(AttemptId attempt) const;

  // True when the attempt waits for its connection.
  bool IsQueued(AttemptId attempt) const;

  // Its patience is over. The attempt goes on: a late answer is still reported.
  void OnAttemptTimeout(AttemptId attempt);

  // True when asking the same server again may help: the attempt timed out, and went over UDP or
  // its connection has been silent since it was sent; or its connection has made way.
  bool IsStalled(AttemptId attempt) const;

  // The attempt sent last was a hedge.
  void CountHedge() { counters_.hedges.Add(); }

  // Opens a connection when there is none that would take a query.
  void Prepare();

  // Opens a connection now if the server is down, without waiting until the probe is due.
  void ProbeNow();

  // The same, unless the latest attempt to connect, of all workers, began less than a second ago.
  void ProbeEverySecond();
  // The same for a query; five seconds where a certificate failed.
  void ProbeOnDemand();

  // Trust, pins or our own certificate are others now: no connection from before takes a query any
  // more, and where there were some a new one is opened at once, as is one to a server that is
  // down: what kept it down may have been repaired.
  void OnTrustChanged();

  // The way to it has changed, or the machine was suspended. Idle connections are closed, attempts
  // to connect given up with the queries that wait for them; no query goes over a connection from
  // before until something comes on it, and those in flight are reported as stalled in the next
  // turn. If it is down it is probed at once. With `link_down` the way to it has no carrier: until
  // the next change nothing is opened, and queries fail at once. What were sent into the void would
  // hold up what follows when the carrier is back: the kernel asks for the neighbour's address only
  // once a second.
  void OnNetworkChange(bool link_down);

  // Closes connections as they fall idle and opens none but for a Send().
  void Drain();

  // The same for one whose place another takes: gauges and log lines are that one's from now on.
  void Retire();

  ServerSnapshot Snapshot() const;
  // When it last gave a sign of life: a message of any kind, or a connection while it is up. The
  // clock's epoch when it gave none.
  MonoTime last_sign() const { return last_sign_; }

  // Since when nothing came of what was tried: the first query or connect after that.
  MonoTime in_vain_since() const;

  // Was down, has been connected for a second and asked nothing: who asks first is to be answered.
  bool IsUntried() const;

  // Whether it is down, and some worker has tried it since then, and this one for a second, in
  // vain; or nobody tries it now, because its certificate has just failed.
  bool WasTriedInVain(MonoTime since) const;

  const UpstreamHealth& health() const { return health_; }
  // Nothing may be expected of it: it is down, or was and is being tried.
  bool useless() const { return down() || (health_.was_down() && links_.HasHopeful()); }
  bool down() const { return absent() || health_.state() == UpstreamHealth::State::kDown; }
  // A slot without an address: there is nobody to ask.
  bool absent() const { return !options_.has_address(); }
  // What is sent there comes back to us: it gets nothing but probes for loops.
  bool loops() const {
    return context_.loops != nullptr && context_.loops->loops(static_cast<size_t>(index_));
  }
  bool link_down() const { return link_down_; }
  // Nothing is sent to it, whatever its health.
  bool unusable() const { return absent() || loops() || link_down(); }
  bool serves() const { return !unusable() && health_.state() == UpstreamHealth::State::kUp; }
  int index() const { return index_; }
  const UpstreamServerOptions& options() const { return options_; }
  size_t ready_connections() const { return links_.ready(); }

 private:
  void OnConnectionReady(Connection& connection, bool resumed, Duration elapsed) override;
  void OnAttemptResult(Connection& connection, AttemptId attempt, AttemptResult result) override;
  void OnUnwantedAnswer(Connection& connection) override;
  void OnMismatch(Connection& connection, std::optional<AttemptId> attempt) override;
  void OnConnectionClosed(Connection& connection, UpstreamFailure failure, bool graceful,
                          const std::string& detail, std::vector<AttemptId> lost) override;

  Connection* Open(bool alone = false);
  bool MakeRoom(Duration lateness);
  bool CanOpen() const;
  bool MayGoWithProbe() const;
  bool MayOpen(SendMode mode) const;
  bool IsQueueing(const Connection& connection);
  void SendOn(Connection& connection, const UpstreamQuery& query, AttemptId attempt);
  std::optional<UpstreamFailure> SendAlone(const UpstreamQuery& query, AttemptId attempt);
  void GiveTurns();
  void ReleaseAlone(Connection& connection, Duration elapsed);
  void CloseIfDrained(Connection& connection);
  void TakeOut(Connection& connection);
  void OnProbeDue();
  void NoteTry();
  void NoteWord(const Connection& connection);
  void NoteSilence(UpstreamLink& link);
  void Report(const DeferredReports::Batch& batch);
  void OnStall(const std::vector<StallWatch::Stall>& stalls);
  void NoteFailure(UpstreamFailure failure, absl::string_view cause);
  void NoteStateChange(absl::string_view cause);
  void UpdateGauges();

  const Context context_;
  const UpstreamServerOptions options_;
  const int index_;
  UpstreamCounters& counters_;
  ConnectPacing pacing_;
  UpstreamHealth health_;
  StateLog state_log_;
  bool draining_ = false;
  bool link_down_ = false;
  MonoTime network_changed_;  // How long what was sent before has taken says nothing.
  bool retired_ = false;
  MonoTime last_failure_at_;
  MonoTime last_sign_;
  MonoTime in_vain_since_;
  MonoTime tried_at_;
  MonoTime found_at_;  // When it was last connected to while it was down.
  UpstreamLinks links_;
  StallWatch stall_watch_;
  AttemptTable attempts_;
  std::unique_ptr<Timer> probe_timer_;
  DeferredReports reports_;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_POOL_UPSTREAM_SERVER_H_
