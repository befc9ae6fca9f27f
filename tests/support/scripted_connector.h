// SPDX-License-Identifier: Apache-2.0
// A Connector whose connections do what a test says, without sockets.
#ifndef DOTCACHE_TESTS_SUPPORT_SCRIPTED_CONNECTOR_H_
#define DOTCACHE_TESTS_SUPPORT_SCRIPTED_CONNECTOR_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/event_loop.h"
#include "upstream/connection.h"

namespace dotcache {

// What a server does about one query: a message (inspected as a real connection does it), a failure
// of the attempt, the end of the connection, or silence.
struct ScriptedReply {
  static ScriptedReply Message(WireMessage wire, Duration delay = Duration::zero());
  static ScriptedReply Failure(UpstreamFailure failure, Duration delay = Duration::zero());
  static ScriptedReply Disconnect(Duration delay = Duration::zero());
  static ScriptedReply Silence() { return {}; }

  std::optional<WireMessage> message = std::nullopt;
  std::optional<UpstreamFailure> failure = std::nullopt;
  bool disconnect = false;
  Duration delay = Duration::zero();
};

// NOERROR with one A record 192.0.2.1, TTL 300, whatever was asked; and an empty error response.
WireMessage ScriptedAnswer(const UpstreamQuery& query);
WireMessage ScriptedError(const UpstreamQuery& query, Rcode rcode);

// One server of the script. Set the first three at any time, also while the test runs.
struct ScriptedServer {
  // How a connection attempt ends after `handshake`: nullopt is success.
  std::optional<UpstreamFailure> connect_failure;
  // nullopt: a connection attempt never ends.
  std::optional<Duration> handshake = Milliseconds(2);
  std::function<ScriptedReply(const UpstreamQuery&)> reply = [](const UpstreamQuery& query) {
    return ScriptedReply::Message(ScriptedAnswer(query), Milliseconds(10));
  };

  int connects = 0;          // Connections begun.
  Endpoint latest_endpoint;  // Where the latest was to go.
  int queries = 0;           // Queries that reached the server.
};

// Servers by index, answering at once by default. Bound to its loop, which outlives it, as it does
// the connections it made.
class ScriptedConnector : public Connector {
 public:
  ScriptedConnector(EventLoop& loop, UpstreamLimits limits);
  ~ScriptedConnector() override;

  ScriptedServer& server(int index) { return servers_[index]; }

  // Connections to the server that live, oldest first.
  int open_connections(int index) const;

  // Ends every connection to the server: graceful where nothing is in flight on it.
  void Disconnect(int index);

  // Lets the server do this, by its delay from now, about the first query with this question that
  // it met with silence. False when there is none.
  bool BreakSilence(int index, const Question& question, ScriptedReply reply);

  // Lets a message that is nobody's, but was meant for the first query in flight, arrive on every
  // connection to the server.
  void SendMismatch(int index);

  std::unique_ptr<Connection> Connect(const UpstreamServerOptions& server, int server_index,
                                      Connection::Delegate& delegate) override;

 private:
  class ScriptedConnection;

  EventLoop& loop_;
  const UpstreamLimits limits_;
  std::map<int, ScriptedServer> servers_;
  std::vector<ScriptedConnection*> connections_;  // Not owned; they take themselves out.
};

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_SUPPORT_SCRIPTED_CONNECTOR_H_
