// SPDX-License-Identifier: Apache-2.0
// The seam where tests replace sockets.
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

namespace dotcache {

// Names one query on its way, for whoever sent it.
using AttemptId = uint64_t;

// What came of an attempt on a connection that lives on.
using AttemptResult = std::variant<UpstreamResponse, UpstreamFailure>;

// What a response that belongs to `question` means for the attempt: an answer to hand on, or why it
// is none. Leaves what its OPT says in `edns`.
AttemptResult JudgeResponse(Bytes response, const Question& question, EdnsInfo* edns);

// One connection to one upstream server, shared by many queries. Bound to its loop's thread; owned
// by its UpstreamServer, which destroys it to close it at once (inside a delegate callback only
// through EventLoop::DeferDelete()).
class Connection : public Deletable {
 public:
  // The owner, which outlives the connection. No function is called inside a call into the
  // connection.
  class Delegate {
   public:
    virtual ~Delegate() = default;
    // Connected and authenticated. `elapsed` since the connect began.
    virtual void OnConnectionReady(Connection& connection, bool resumed, Duration elapsed) = 0;
    // A response for the attempt, or a failure of it alone.
    virtual void OnAttemptResult(Connection& connection, AttemptId attempt,
                                 AttemptResult result) = 0;
    // An answer arrived to an attempt that was forgotten: of no use but as a sign of life.
    virtual void OnUnwantedAnswer(Connection& connection) = 0;
    // A message that is not ours arrived and was dropped. `attempt`: the one whose message ID or
    // question it bears. It goes on, but has most likely had what the server has to say to it.
    virtual void OnMismatch(Connection& connection, std::optional<AttemptId> attempt) = 0;
    // The connection is over. `lost` were in flight on it. `failure` is kConnectionLost for one
    // that had been ready, but for UDP, which learns from a query what others learn from
    // connecting, and for a server that refuses our certificate, which TLS 1.3 lets it do later; an
    // idle close by either side is `graceful`. Last call.
    virtual void OnConnectionClosed(Connection& connection, UpstreamFailure failure, bool graceful,
                                    const std::string& detail, std::vector<AttemptId> lost) = 0;
  };

  // Sends a query (once ready, when it is not yet). REQUIRES: HasRoom().
  virtual void Send(const UpstreamQuery& query, AttemptId attempt) = 0;

  // The result of this attempt is not wanted any more; its message ID stays taken until the answer
  // comes or the connection ends.
  virtual void Forget(AttemptId attempt) = 0;

  // The attempt has taken longer than answers usually do. It may still be answered, but does not
  // count against the limit of what is in flight.
  virtual void NoteOverdue(AttemptId /*attempt*/) {}

  // Sends, where there is a way, a query that any server can answer at once; the answer is reported
  // by OnUnwantedAnswer().
  virtual void AskForSignOfLife() {}

  virtual bool ready() const = 0;
  virtual bool HasRoom() const = 0;   // False at the limit, and while draining.
  virtual int in_flight() const = 0;  // Attempts whose results are wanted.

  // True when it takes no new query and closes as soon as nobody waits on it.
  virtual bool draining() const { return false; }

  // Takes no new query from now on; closes, in a later turn, as soon as nobody waits on it.
  virtual void Retire() {}

  // Ends it in the next turn of the loop, with what is in flight.
  virtual void CloseSoon() {}

  // When the latest message came, wanted or not; the clock's epoch when none has.
  virtual MonoTime last_received() const = 0;
};

// Makes connections. One per worker.
class Connector {
 public:
  virtual ~Connector() = default;

  // Begins to connect to the server with this index among all servers of `UpstreamOptions`, counted
  // through its zones in order. The outcome comes to `delegate`, never inside this call.
  virtual std::unique_ptr<Connection> Connect(const UpstreamServerOptions& server, int server_index,
                                              Connection::Delegate& delegate) = 0;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_CONNECTION_CONNECTION_H_
