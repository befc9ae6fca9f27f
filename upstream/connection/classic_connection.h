// SPDX-License-Identifier: Apache-2.0
// Classic DNS to the servers of private zones.
#ifndef DOTCACHE_UPSTREAM_CONNECTION_CLASSIC_CONNECTION_H_
#define DOTCACHE_UPSTREAM_CONNECTION_CLASSIC_CONNECTION_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/random/bit_gen_ref.h"
#include "net/udp_channel.h"
#include "net/uv_loop.h"
#include "upstream/connection/connection.h"
#include "upstream/connection/idle_limit.h"
#include "upstream/connection/stream_connection.h"

namespace dotcache {

// Asks one server over UDP, and over TCP what it answered with TC set (RFC 7766 section 5). Clear
// text that anybody on the path can read and forge; what keeps others from forging is RFC 5452:
// each query has a connected socket with a random port of its own and a random message ID, so that
// a forger has to guess both, and a response must come from the server's address and port and
// repeat ID and question. What does not match is dropped and the wait goes on; a query that met 16
// such datagrams is asked over TCP instead, where guessing is of no use. Queries announce 1232
// octets, so that no response is fragmented (RFC 9715), and are not padded, as nothing is hidden.
//
// There is nothing to connect: it is ready in the turn after it was made, if there is a way to the
// server at all. "Nobody listens there" (ICMP port unreachable) ends it, with all its queries. A
// lost query is not repeated here but by whoever sends attempts. A socket whose query was forgotten
// waits for the late answer, a sign of life, for max_attempt_timeout. Bound to its loop's thread.
// Limits: max_sockets_per_connection; one TCP connection, with the limits of StreamConnection.
class ClassicConnection : public Connection, private Connection::Delegate {
 public:
  // What a connection needs from its connector. The references outlive it.
  struct Context {
    UvLoop& loop;
    const UpstreamLimits& limits;
    absl::BitGenRef random;
    IdleLimit& idle_limit;  // Of the server's TCP.
  };

  // `server` outlives the connection.
  ClassicConnection(const Context& context, const UpstreamServerOptions& server,
                    Connection::Delegate& delegate);
  ~ClassicConnection() override;

  void Send(const UpstreamQuery& query, AttemptId attempt) override;
  void Forget(AttemptId attempt) override;
  bool ready() const override { return ready_; }
  bool HasRoom() const override;
  int in_flight() const override { return wanted_; }
  MonoTime last_received() const override { return last_received_; }

 private:
  class Pending;

  // Of the TCP connection.
  void OnConnectionReady(Connection&, bool, Duration) override {}
  void OnAttemptResult(Connection& connection, AttemptId attempt, AttemptResult result) override;
  void OnUnwantedAnswer(Connection& connection) override;
  void OnMismatch(Connection& connection, std::optional<AttemptId> attempt) override;
  void OnConnectionClosed(Connection& connection, UpstreamFailure failure, bool graceful,
                          const std::string& detail, std::vector<AttemptId> lost) override;

  void OnDatagram(Pending& pending, Bytes datagram);
  void OnForeignDatagram(Pending& pending);
  void OnChannelError(StreamError error);
  void AskOverTcp(Pending& pending);
  void Finish(AttemptId attempt, AttemptResult result);
  void Remove(AttemptId attempt);
  void OnTimer();
  void FindWay();
  void BecomeReady();
  void ReportUnsent();
  void DropForgotten();
  void Close(UpstreamFailure failure, const std::string& detail);

  const Context context_;
  const UpstreamServerOptions& server_;
  Connection::Delegate& delegate_;
  absl::BitGenRef random_;
  const MonoTime began_;
  bool ready_ = false;
  bool closed_ = false;
  int wanted_ = 0;  // Of `pending_`.
  MonoTime last_received_;
  absl::flat_hash_map<AttemptId, std::unique_ptr<Pending>> pending_;
  std::vector<AttemptId> without_socket_;  // No descriptor was left for them.
  std::string no_way_;                     // Why a socket could not be connected.
  std::unique_ptr<Timer> timer_;           // For all that has to wait for a later turn.
  std::unique_ptr<StreamConnection> tcp_;  // Since the first truncated response, while it lasts.
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_CONNECTION_CLASSIC_CONNECTION_H_
