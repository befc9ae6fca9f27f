// SPDX-License-Identifier: Apache-2.0
// Connections over real sockets.
#ifndef DOTCACHE_UPSTREAM_CONNECTION_SOCKET_CONNECTOR_H_
#define DOTCACHE_UPSTREAM_CONNECTION_SOCKET_CONNECTOR_H_

#include <deque>
#include <memory>
#include <vector>

#include "absl/random/random.h"
#include "net/tls/tls_credentials.h"
#include "net/tls/tls_session.h"
#include "net/uv_loop.h"
#include "upstream/api/message_observer.h"
#include "upstream/connection/connection.h"
#include "upstream/connection/server_habits.h"

namespace dotcache {

// Connects each server over its own transport. Keeps the session tickets of each TLS server, and
// the habits that each has shown, while its address is the same. Bound to the loop's thread.
class SocketConnector : public Connector {
 public:
  // By server index; null for servers without TLS.
  using Credentials = std::vector<std::shared_ptr<const TlsClientCredentials>>;

  // The loop outlives the connector, and the connector its connections.
  SocketConnector(UvLoop& loop, const UpstreamLimits& limits, Credentials credentials);

  // Connections to come keep these limits.
  void UseLimits(const UpstreamLimits& limits) { limits_ = limits; }

  // Connections to come show it their messages. It outlives them.
  void Observe(MessageObserver& observer) { observer_ = &observer; }

  // From now on there are at least this many servers.
  void Grow(size_t servers);

  // Connections to come are made with these; tickets that were won with others are dropped.
  void UseCredentials(int server_index, std::shared_ptr<const TlsClientCredentials> credentials);

  // The source address of connections to the server has changed. A ticket from before would link
  // the two addresses (RFC 8446 appendix C.4).
  void ForgetTickets(int server_index);

  std::unique_ptr<Connection> Connect(const UpstreamServerOptions& server, int server_index,
                                      Connection::Delegate& delegate) override;

 private:
  UvLoop& loop_;
  UpstreamLimits limits_;
  Credentials credentials_;
  std::vector<std::shared_ptr<TlsTicketStore>> tickets_;  // By server index; null where those are.
  std::deque<ServerHabits> habits_;  // The same. Connections refer to them, so they do not move.
  std::vector<Endpoint> endpoints_;  // Where each was connected to last.
  MessageObserver* observer_ = nullptr;
  absl::BitGen random_;  // Seeded by the kernel: message IDs cannot be guessed.
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_CONNECTION_SOCKET_CONNECTOR_H_
