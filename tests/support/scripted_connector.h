// SPDX-License-Identifier: Apache-2.0
// A Connector with scripted connections, without sockets.
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
#include "upstream/connection/connection.h"

namespace dotcache {

// The reaction of a server to one query: a message, a failed attempt, the end of the connection, or
// no response. A message is inspected like one of a real connection.
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

// ScriptedAnswer() returns NOERROR with one A record 192.0.2.1 and TTL 300, for any question.
// ScriptedError() returns an error without records.
WireMessage ScriptedAnswer(const UpstreamQuery& query);
WireMessage ScriptedError(const UpstreamQuery& query, Rcode rcode);

// One scripted server. The first four members may be set at any time.
struct ScriptedServer {
  // The result of a connection attempt after `handshake`. std::nullopt is success.
  std::optional<UpstreamFailure> connect_failure;
  // The duration of a connection attempt. std::nullopt means that it never ends.
  std::optional<Duration> handshake = Milliseconds(2);
  std::function<ScriptedReply(const UpstreamQuery&)> reply = [](const UpstreamQuery& query) {
    return ScriptedReply::Message(ScriptedAnswer(query), Milliseconds(10));
  };

  // Answers questions for a sign of life. Null: `reply` does.
  std::function<ScriptedReply(const UpstreamQuery&)> life_reply;

  int connects = 0;          // Connections begun.
  Endpoint latest_endpoint;  // The endpoint of the latest connection.
  int queries = 0;           // Queries that reached the server.
  int life_questions = 0;    // Questions for a sign of life that reached the server.
};

// Scripted servers by index. By default they connect and answer. Bound to its loop. The loop must
// outlive it and its connections.
class ScriptedConnector : public Connector {
 public:
  ScriptedConnector(EventLoop& loop, UpstreamLimits limits);
  ~ScriptedConnector() override;

  ScriptedServer& server(int index) { return servers_[index]; }

  // The number of open connections to the server.
  int open_connections(int index) const;

  // Ends every connection to the server. A connection without queries in flight ends cleanly.
  void Disconnect(int index);

  // Finds the first query with this question that the server has not answered, and carries out
  // `reply` for it. Returns false if there is none.
  bool BreakSilence(int index, const Question& question, ScriptedReply reply);

  // Sends a response that matches no query on every connection to the server. It has the ID of the
  // first query in flight.
  void SendMismatch(int index);

  std::unique_ptr<Connection> Connect(const UpstreamServerOptions& server, int server_index,
                                      Connection::Delegate& delegate) override;

 private:
  class ScriptedConnection;

  EventLoop& loop_;
  const UpstreamLimits limits_;
  std::map<int, ScriptedServer> servers_;
  std::vector<ScriptedConnection*> connections_;  // Not owned. A connection removes itself.
};

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_SUPPORT_SCRIPTED_CONNECTOR_H_
