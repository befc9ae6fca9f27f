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
#include "upstream/connection/server_habits.h"
#include "upstream/connection/stream_connection.h"

namespace dotcache {

// Queries one server over UDP, and over TCP after a response with TC set (RFC 7766 section 5). An
// attacker on the path can read and forge this clear text. RFC 5452 makes it hard for others. Each
// query has its own connected socket with a random port, and a random message ID. A response must
// come from the server's address and port, and repeat ID and question. Another datagram is dropped.
// After 16 of these, the query is repeated over TCP. Queries announce 1232 octets, so that no
// response is fragmented (RFC 9715), and are not padded, because nothing is hidden.
//
// It is ready one turn after it was made, if there is a route to the server. After an ICMP error, a
// query is sent again from another port: any host may send such an error, if it guesses the port. A
// second error for the query ends it. It ends the connection with all its queries in two cases: the
// server has never sent a message, or this is the third such query since its latest message. A lost
// query is not repeated here. The socket of a forgotten query waits for the late response for
// max_attempt_timeout. Limits: max_sockets_per_connection queries that are not overdue. At this
// number of sockets, the oldest forgotten one makes room. If there is none, the oldest overdue one
// of the client with most of them does, and its attempt ends with kTimeout. Queries for a sign of
// life do not count. One TCP connection with the limits of StreamConnection. Bound to its loop's
// thread.
class ClassicConnection : public Connection, private Connection::Delegate {
 public:
  // All of these outlive the connection.
  struct Context {
    UvLoop& loop;
    const UpstreamLimits& limits;
    absl::BitGenRef random;
    ServerHabits& habits;       // Of the server's TCP.
    MessageObserver* observer;  // Null: no query is observed.
  };

  // `server` outlives the connection.
  ClassicConnection(const Context& context, const UpstreamServerOptions& server,
                    Connection::Delegate& delegate);
  ~ClassicConnection() override;

  AttemptTicket Send(const UpstreamQuery& query, AttemptId attempt) override;
  void Forget(AttemptTicket ticket) override;
  void NoteOverdue(AttemptTicket ticket) override;
  void AskForSignOfLife(const Question& question) override;
  bool HasRoom() const override;
  PlacesInUse places(uint64_t client) const override { return places_.Used(client); }
  int in_flight() const override { return wanted_; }
  std::vector<AttemptId> attempts() const override;
  void Drain() override;
  void CloseSoon() override;

 private:
  class Pending;

  // Of the TCP connection.
  void OnConnectionReady(Connection&, bool, Duration) override {}
  void OnAttemptResult(Connection& connection, AttemptId ticket, AttemptResult result,
                       Duration elapsed) override;
  void OnLateResult(Connection& connection, const AttemptResult& result, Duration elapsed) override;
  void OnSignOfLife(Connection&) override {}
  void OnMismatch(Connection& connection, std::optional<AttemptId> ticket) override;
  void OnConnectionClosed(Connection& connection, End end) override;

  AttemptTicket Open(std::unique_ptr<Pending> pending);
  void SendFromNewPort(Pending& pending);
  void OnDatagram(Pending& pending, Bytes datagram);
  void OnForeignDatagram(Pending& pending);
  void OnChannelError(Pending& pending, StreamError error);
  void AskOverTcp(Pending& pending);
  void Finish(AttemptTicket ticket, AttemptResult result);
  void CountOut(const Pending& pending);
  void Remove(AttemptTicket ticket);
  void OnTimer();
  void MakePlace();
  void FindRoute();
  void ReportUnsent();
  void DropForgotten();
  void CloseIfDrained();
  void Close(UpstreamFailure failure, bool graceful, const std::string& detail);

  const Context context_;
  const UpstreamServerOptions& server_;
  Connection::Delegate& delegate_;
  absl::BitGenRef random_;
  const MonoTime began_;
  AttemptTicket last_ticket_ = 0;
  int wanted_ = 0;       // Attempts that wait for a response,
  int overdue_ = 0;      // and those of them that are overdue.
  ClientPlaces places_;  // Of the others.
  int refused_ = 0;      // Attempts that ICMP errors ended since the latest message.
  bool ends_now_ = false;
  absl::flat_hash_map<AttemptTicket, std::unique_ptr<Pending>> pending_;
  std::vector<AttemptTicket> without_socket_;  // No descriptor was left for them.
  std::vector<AttemptTicket> evicted_;         // Others needed their sockets.
  std::string no_route_;                       // Why a socket could not be connected.
  std::unique_ptr<Timer> timer_;               // For all that must wait for a later turn.
  std::unique_ptr<StreamConnection> tcp_;      // From the first truncated response, while it lasts.
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_CONNECTION_CLASSIC_CONNECTION_H_
