// SPDX-License-Identifier: Apache-2.0
// All client connections of one worker.
#ifndef DOTCACHE_SERVER_SESSION_TABLE_H_
#define DOTCACHE_SERVER_SESSION_TABLE_H_

#include <cstdint>
#include <list>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "server/query_handler.h"
#include "server/reply_sink.h"
#include "server/tcp_session.h"
#include "server/worker_counters.h"

namespace dotcache {

// Owns the TcpSessions of a worker's TCP and DoT listeners and is their ReplySink: a reply finds
// its session by id, and is dropped when that is gone. Bound to its loop's thread. Limit:
// max_stream_connections; at it the session idle the longest makes room for a new one, and where
// none of the 64 quiet the longest is idle the new one is turned away. What clients do not read,
// and what they begin and do not end, is bounded for all together: over kMaxUnreadBytes those end
// that owe the reading, over kMaxUnfinishedBytes those of which something is held, the ones that
// have been without a whole query the longest first.
class SessionTable : public ReplySink, private TcpSession::Owner {
 public:
  // Sessions looked at, from the one quiet the longest, when room is needed.
  static constexpr int kMaxEvictionScan = 64;
  static constexpr size_t kMaxUnreadBytes = 2 * 1024 * 1024;
  // A query is some hundred octets, so honest clients never hold much.
  static constexpr size_t kMaxUnfinishedBytes = 4 * 1024 * 1024;

  SessionTable(EventLoop& loop, const ServerLimits& limits, WorkerCounters& counters);
  ~SessionTable() override;

  // Makes room and a session for a new client, or returns null at the limit. The caller makes the
  // stream and calls Serve() on the result at once. REQUIRES: set_handler() was called.
  TcpSession* NewSession(Transport transport, const Endpoint& remote);

  // Takes back a session that got no stream.
  void Remove(TcpSession& session) { OnSessionOver(session.id()); }

  // The handler that new sessions use, as long as the loop runs.
  void set_handler(QueryHandler& handler) { handler_ = &handler; }

  // Ends each session once its replies are out.
  void Drain();

  size_t size() const { return sessions_.size(); }
  // Of all sessions: read but not handled.
  size_t held_bytes() const { return held_bytes_; }

  MutableBytes ReserveReply(const ReplyAddress& address) override;
  void CommitReply(const ReplyAddress& address, size_t size) override;

 private:
  using ActivityList = std::list<uint64_t>;
  struct Slot {
    std::unique_ptr<TcpSession> session;
    ActivityList::iterator activity;
  };

  void OnSessionActive(uint64_t id) override;
  void OnHeldBytes(size_t before, size_t now) override;
  void OnSessionOver(uint64_t id) override;
  bool MakeRoom();
  void LimitUnread();
  void LimitUnfinished();
  TcpSession* Find(uint64_t id);

  EventLoop& loop_;
  const ServerLimits& limits_;
  WorkerCounters& counters_;
  QueryHandler* handler_ = nullptr;  // Not owned.
  uint64_t next_id_ = 1;
  size_t replied_bytes_ = 0;  // Since LimitUnread().
  size_t held_bytes_ = 0;
  WireMessage reply_buffer_;  // Length prefix and the reply under construction.
  ActivityList by_activity_;  // Ids, quiet the longest first.
  absl::flat_hash_map<uint64_t, Slot> sessions_;
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_SESSION_TABLE_H_
