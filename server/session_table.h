// SPDX-License-Identifier: Apache-2.0
// The stream client connections of one worker.
#ifndef DOTCACHE_SERVER_SESSION_TABLE_H_
#define DOTCACHE_SERVER_SESSION_TABLE_H_

#include <cstdint>
#include <list>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "answer/query_handler.h"
#include "answer/reply_sink.h"
#include "answer/worker_counters.h"
#include "server/sessions_by_client.h"
#include "server/stream_shares.h"
#include "server/tcp_session.h"

namespace dotcache {

// Owns the TcpSessions of a worker's TCP and DoT listeners and is their ReplySink. A reply finds
// its session by id and is dropped if the session is gone. Bound to its loop's thread.
//
// Limit for each client, over all workers (StreamShares):
// - max_streams_per_client: the idle session of this client that is least active is ended. If none
//   of its first kMaxEvictionScan sessions is idle, the new connection is refused. A worker cannot
//   end sessions of other workers, so a worker without a session of this client accepts one. Thus a
//   client has at most one session a worker beyond the limit.
//
// Limits, each for all sessions together:
// - max_stream_connections: the client with most sessions makes room, first with an idle session.
//   If no client has two sessions more than the new client, the session that has been idle for the
//   longest time is ended. If none of the first kMaxEvictionScan sessions is idle, the new
//   connection is refused.
// - kMaxUnreadBytes of replies that clients do not read.
// - kMaxUnfinishedBytes of octets that were received but not handled, and of unfinished TLS
//   handshakes.
// Above one of the last two limits, sessions that hold such octets are ended. Unfinished handshakes
// go first: those that the server has not answered, then the others, each in their order. Then the
// session goes that has sent no complete query for the longest time.
class SessionTable : public ReplySink, private TcpSession::Owner {
 public:
  // How many sessions are examined when room is needed, starting with the least active one.
  static constexpr int kMaxEvictionScan = 64;
  static constexpr size_t kMaxUnreadBytes = 2 * 1024 * 1024;
  // A query has some hundred octets, so well-behaved clients stay far below this.
  static constexpr size_t kMaxUnfinishedBytes = 4 * 1024 * 1024;

  // `shares` counts the sessions of all workers. All arguments must outlive the table.
  SessionTable(EventLoop& loop, const ServerLimits& limits, WorkerCounters& counters,
               StreamShares& shares);
  ~SessionTable() override;

  // Returns a session for a new client, or null at the limit. The caller makes the stream and calls
  // Serve() on the session at once.
  // REQUIRES: set_handler() was called.
  TcpSession* NewSession(Transport transport, const Endpoint& remote, uint64_t listener_key = 0);

  // Removes a session that got no stream.
  void Remove(TcpSession& session) { OnSessionOver(session.id()); }

  // Sets the handler of new sessions. It must outlive the loop's run.
  void set_handler(QueryHandler& handler) { handler_ = &handler; }

  // Ends each session after its replies are sent.
  void Drain();

  size_t size() const { return sessions_.size(); }
  // Octets that were received but not handled, of all sessions.
  size_t held_bytes() const { return held_bytes_; }

  MutableBytes ReserveReply(const ReplyAddress& address) override;
  void CommitReply(const ReplyAddress& address, size_t size) override;

 private:
  using ActivityList = std::list<uint64_t>;
  struct Slot {
    std::unique_ptr<TcpSession> session;
    ActivityList::iterator activity;
    SessionsByClient::Place of_client;
    HandshakeStep handshake = HandshakeStep::kNothing;
    ActivityList::iterator in_handshake;  // Valid for kHello and kAnswered.
  };

  void OnHandshakeStep(uint64_t id, HandshakeStep step) override;
  void OnSessionActive(uint64_t id) override;
  void OnHeldBytes(size_t before, size_t now) override;
  void OnSessionOver(uint64_t id) override;
  bool TakeShare(const ClientKey& client);
  bool MakeRoomFor(const ClientKey& client);
  bool EndIdle(const ActivityList& ids);
  void LimitUnread();
  void LimitUnfinished();
  bool EndHolders(const ActivityList& ids);
  // The sessions at this step of their handshake, or null.
  ActivityList* InHandshake(HandshakeStep step);
  TcpSession* Find(uint64_t id);

  EventLoop& loop_;
  const ServerLimits& limits_;
  WorkerCounters& counters_;
  StreamShares& shares_;
  QueryHandler* handler_ = nullptr;  // Not owned.
  uint64_t next_id_ = 1;
  size_t replied_bytes_ = 0;  // Since the last call of LimitUnread().
  size_t held_bytes_ = 0;
  WireMessage reply_buffer_;  // The length prefix and the reply that is being built.
  ActivityList by_activity_;  // Session ids, least active first.
  SessionsByClient by_client_;
  ActivityList hellos_;    // Sessions at HandshakeStep::kHello, in the order of that step.
  ActivityList answered_;  // At HandshakeStep::kAnswered.
  absl::flat_hash_map<uint64_t, Slot> sessions_;
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_SESSION_TABLE_H_
