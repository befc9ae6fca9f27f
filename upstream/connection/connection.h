// SPDX-License-Identifier: Apache-2.0
// One connection to an upstream server: the interface that tests replace.
#ifndef DOTCACHE_UPSTREAM_CONNECTION_CONNECTION_H_
#define DOTCACHE_UPSTREAM_CONNECTION_CONNECTION_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/event_loop.h"
#include "upstream/api/exchanger.h"
#include "upstream/api/upstream_failure.h"
#include "upstream/api/upstream_options.h"
#include "upstream/connection/client_places.h"

namespace dotcache {

// Identifies one attempt. The exchange chooses it.
using AttemptId = uint64_t;
// A connection's own number of an attempt that it carries.
using AttemptTicket = uint32_t;

// The result of an attempt on a connection that continues to exist.
using AttemptResult = std::variant<UpstreamResponse, UpstreamFailure>;

// Inspects a response to `question`. Stores its OPT in `edns`.
AttemptResult JudgeResponse(Bytes response, const Question& question, EdnsInfo* edns);

enum class ConnectionState : uint8_t {
  kConnecting,  // Takes queries and sends them when it is ready.
  kReady,
  kSilent,    // A sign of life is overdue. Becomes kReady with the next message.
  kDraining,  // Takes no query. Closes when no attempt waits for it.
  kClosed,
};

// One connection to one upstream server, shared by many queries. Bound to its loop's thread. Owned
// by its UpstreamServer, which may destroy it at any time, but inside a delegate callback only
// through EventLoop::DeferDelete().
class Connection : public Deletable {
 public:
  // The reason and the consequences of the end of a connection.
  struct End {
    UpstreamFailure failure = UpstreamFailure::kConnectionLost;
    bool graceful = false;  // An idle connection was closed, or this side gave it up.
    std::string detail;
    std::vector<AttemptId> lost;      // They were sent and have no response.
    std::vector<AttemptId> not_sent;  // They waited for the connection.
  };

  // The owner, which outlives it. No function is called inside a call into the connection.
  class Delegate {
   public:
    virtual ~Delegate() = default;
    // It is connected and authenticated, `elapsed` after the start.
    virtual void OnConnectionReady(Connection& connection, bool resumed, Duration elapsed) = 0;
    // A response for the attempt, or a failure of this attempt only, `elapsed` after it was sent.
    virtual void OnAttemptResult(Connection& connection, AttemptId attempt, AttemptResult result,
                                 Duration elapsed) = 0;
    // A response for an attempt that was forgotten, `elapsed` after it was sent.
    virtual void OnLateResult(Connection& connection, const AttemptResult& result,
                              Duration elapsed) = 0;
    // A response to AskForSignOfLife().
    virtual void OnSignOfLife(Connection& connection) = 0;
    // A message that matches no query was dropped. `attempt` has its ID or its question. The
    // attempt continues, but the server probably sends no other response to it.
    virtual void OnMismatch(Connection& connection, std::optional<AttemptId> attempt) = 0;
    // The connection has ended. The last call. `end.failure` is kConnectionLost for one that was
    // ready, with two exceptions. UDP learns from a query what a stream learns when it connects. A
    // server may reject our certificate after the handshake (RFC 8446 section 4.4.2.4).
    virtual void OnConnectionClosed(Connection& connection, End end) = 0;
  };

  ConnectionState state() const { return state_; }
  bool ready() const { return ready_; }  // It has been connected and authenticated.
  bool draining() const { return state_ >= ConnectionState::kDraining; }
  bool silent() const { return state_ == ConnectionState::kSilent; }

  // Time of the latest message, and when the connection became silent. The clock's epoch: never.
  MonoTime last_received() const { return last_received_; }
  MonoTime silent_since() const { return silent_since_; }
  // Unix time at which the certificate that the server has shown expires. 0: none was shown.
  virtual int64_t certificate_expiry() const { return 0; }

  // Sends a query now, or when the connection is ready. REQUIRES: HasRoom().
  virtual AttemptTicket Send(const UpstreamQuery& query, AttemptId attempt) = 0;

  // Nothing waits for the result of this attempt now. REQUIRES: the attempt has not ended.
  virtual void Forget(AttemptTicket ticket) = 0;

  // The attempt has taken longer than usual. Its response is still wanted, but it takes no place.
  // REQUIRES: as for Forget().
  virtual void NoteOverdue(AttemptTicket /*ticket*/) {}

  // Another attempt of its exchange was answered. REQUIRES: as for Forget().
  virtual void NoteAnsweredElsewhere(AttemptTicket /*ticket*/) {}
  virtual void NoteReplaced() {}  // It is silent, and the server answers on another connection.

  // Sends this question. The response is reported by OnSignOfLife().
  virtual void AskForSignOfLife(const Question& question) = 0;

  virtual bool HasRoom() const = 0;  // False at the limit of queries, and while it drains.
  // The server allows fewer queries on it than we would send. Others wait.
  virtual bool limited() const { return false; }
  virtual int capacity(int most) const { return most; }  // Of the `most` that we would send.
  virtual bool may_drop() const { return false; }  // What comes while it works on another query.
  virtual PlacesInUse places(uint64_t /*client*/) const { return {}; }  // Attempts not overdue.
  virtual int in_flight() const = 0;  // Attempts that wait for a response.
  virtual std::vector<AttemptId> attempts() const = 0;

  // A sign of life is overdue. No effect while it connects or drains.
  void GoSilent(MonoTime now);

  // Takes no query from now on. Closes in a later turn, when no attempt waits for it.
  virtual void Drain() = 0;
  // Takes no query from now on. Ends in the next turn, with the attempts that wait for it.
  virtual void CloseSoon() = 0;

 protected:
  // The one place where the state changes. A state never goes back, except from kSilent to kReady.
  void ChangeState(ConnectionState state);
  // It is connected and authenticated. A connection that drains sends its queries now.
  void BecomeReady();
  // A whole message has come.
  void NoteReceived(MonoTime now);

 private:
  ConnectionState state_ = ConnectionState::kConnecting;
  bool ready_ = false;
  MonoTime last_received_;
  MonoTime silent_since_;
};

// Makes connections. One for each worker.
class Connector {
 public:
  virtual ~Connector() = default;

  // Begins to connect to the server with this index among all servers of `UpstreamOptions`, counted
  // through its zones in order. Calls `delegate` later, never inside this call.
  virtual std::unique_ptr<Connection> Connect(const UpstreamServerOptions& server, int server_index,
                                              Connection::Delegate& delegate) = 0;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_CONNECTION_CONNECTION_H_
