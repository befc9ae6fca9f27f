// Connections over real sockets.
#ifndef DOTCACHE_UPSTREAM_SOCKET_CONNECTOR_H_
#define DOTCACHE_UPSTREAM_SOCKET_CONNECTOR_H_

#include <memory>
#include <vector>

#include "absl/random/random.h"
#include "net/tls_credentials.h"
#include "net/tls_session.h"
#include "net/uv_loop.h"
#include "upstream/connection.h"
#include "upstream/idle_limit.h"

namespace dotcache {

// Connects each server over its own transport. Keeps the session tickets of each TLS server,
// and how long each lets connections idle. Bound
// to the loop's thread.
class SocketConnector : public Connector {
 public:
  // `credentials` by server index; null for servers that are not asked over TLS. All that is
  // pointed to outlives the connector, and the connector its connections.
  SocketConnector(UvLoop& loop, const UpstreamLimits& limits,
                  std::vector<const TlsClientCredentials*> credentials);

  std::unique_ptr<Connection> Connect(const UpstreamServerOptions& server, int server_index,
                                      Connection::Delegate& delegate) override;

 private:
  UvLoop& loop_;
  const UpstreamLimits limits_;
  const std::vector<const TlsClientCredentials*> credentials_;
  std::vector<TlsTicketStore> tickets_;  // By server index; never resized.
  std::vector<IdleLimit> idle_limits_;   // The same.
  absl::BitGen random_;                  // Seeded by the kernel: message IDs cannot be guessed.
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_SOCKET_CONNECTOR_H_
