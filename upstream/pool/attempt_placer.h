// SPDX-License-Identifier: Apache-2.0
// Which connection of a server takes an attempt, and which attempts wait.
#ifndef DOTCACHE_UPSTREAM_POOL_ATTEMPT_PLACER_H_
#define DOTCACHE_UPSTREAM_POOL_ATTEMPT_PLACER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "core/event_loop.h"
#include "dns/outgoing_query.h"
#include "upstream/api/upstream_options.h"
#include "upstream/pool/attempt_queue.h"
#include "upstream/pool/connect_pacing.h"
#include "upstream/pool/connection_limit.h"
#include "upstream/pool/server_connections.h"
#include "upstream/pool/server_delegate.h"
#include "upstream/pool/upstream_health.h"

namespace dotcache {

// Places attempts on as few connections as have room, the first one first, so that queries share
// writes. It opens another connection when none has room, or when queries wait for one another, up
// to max_connections_per_server. Two queues are bounded: attempts that wait for a connection, and
// those of clients that have their share of the places. Connections of any kind count for the limit
// of the server itself (ConnectionLimit): at that limit attempts share one, or wait for one.
// docs/upstream_rules.md has the rules. Owned by the UpstreamServer; bound to its loop's thread.
class AttemptPlacer {
 public:
  static constexpr size_t kMaxAlone = 4;

  // What the server does for its attempts. It outlives the placer.
  class Server {
   public:
    virtual ~Server() = default;
    virtual bool MaySend() const = 0;
    virtual std::unique_ptr<Connection> Connect() = 0;
    virtual AttemptPlace SendOn(ServerConnection& connection, const UpstreamQuery& query,
                                AttemptId attempt) = 0;
    virtual void WakeInNextTurn() = 0;  // OnNextTurn() is called then.
  };

  // The references outlive the placer.
  struct Context {
    EventLoop& loop;
    const UpstreamServerOptions& options;
    const UpstreamLimits& limits;
    const UpstreamHealth& health;
    ConnectPacing& pacing;
    ServerConnections& connections;
    ServerDelegate& delegate;
    Server& server;
  };

  struct Mode {
    bool alone = false;       // It shares its connection with no other attempt.
    uint32_t apart_from = 0;  // Rather over another connection than the one with this number.
  };

  explicit AttemptPlacer(const Context& context);

  // Sends the query, or queues it: then the place has no connection. Returns the reason if neither
  // is possible. REQUIRES: the server may send.
  std::variant<AttemptPlace, UpstreamFailure> Place(const UpstreamQuery& query, AttemptId attempt,
                                                    const Mode& mode);

  // Connections have become ready, free or fewer: attempts that wait get them.
  void GiveTurns();
  // A query takes no place any more.
  void NotePlaceFreed();
  void OnNextTurn();

  // The attempt on this connection, which is not shared, was answered after `elapsed`. The next
  // attempt that may use the connection gets it, or else it becomes one of the shared connections.
  // Returns false if it is not needed.
  bool Reuse(ServerConnection& connection, Duration elapsed);

  // Opens a connection. nullptr at the limit.
  ServerConnection* Open(bool alone = false);
  // A connection was taken out, and is closed at the end of the turn.
  void NoteEnding();
  // Whether the server has shown its limit of connections.
  ConnectionLimit& limit() { return limit_; }

  // True if an attempt waits for a connection. One that is held back waits for its share.
  bool HasWaiting() const { return !waiting_.empty(); }
  size_t waiting() const { return waiting_.size() + held_back_.size(); }
  void Forget(AttemptId attempt);
  // For the caller to report as failed.
  std::vector<AttemptId> TakeWaiting();

 private:
  bool is_udp() const { return context_.options.transport == Transport::kUdp; }
  bool MayBegin() const { return context_.pacing.MayBegin(context_.loop.Now()); }
  bool IsFull() const;
  bool HasShare(uint64_t client) const;
  bool IsQueueing(const Connection& connection) const;
  bool MakeRoom(Duration lateness);
  bool GoesAlone(const AttemptQueue::Entry& entry) const;
  AttemptPlace Wait(const UpstreamQuery& query, AttemptId attempt, bool alone);
  ServerConnection* PickOrOpen(uint32_t apart_from);
  void ServeWaiting();
  void SendHeldBack();
  void PlaceFirst(AttemptQueue& queue, ServerConnection& connection);

  const Context context_;
  ConnectionLimit limit_;
  size_t ending_ = 0;       // Taken out in this turn, and closed at its end.
  AttemptQueue waiting_;    // For a connection.
  AttemptQueue held_back_;  // Their clients have their share of the places.
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_POOL_ATTEMPT_PLACER_H_
