// Client connections on one endpoint.
#ifndef DOTCACHE_SERVER_TCP_LISTENER_H_
#define DOTCACHE_SERVER_TCP_LISTENER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "net/tcp_acceptor.h"
#include "net/tls_credentials.h"
#include "server/access_policy.h"
#include "server/session_table.h"
#include "server/worker_counters.h"

namespace dotcache {

class UvLoop;

// One worker's listening socket for TCP, or for DoT when it has credentials (RFC 7858): accepts and
// puts each connection, with TLS where wanted, into the session table. Who may not ask is closed at
// once: no handshake, no place in the table. Bound to its loop's thread.
class TcpListener : private TcpAcceptor::Delegate {
 public:
  // All outlive the listener.
  struct Environment {
    UvLoop& loop;
    const TlsServerCredentials* credentials;  // Null: plain TCP.
    const AccessPolicy& access;
    SessionTable& sessions;
    WorkerCounters& counters;
  };

  static absl::StatusOr<std::unique_ptr<TcpListener>> Open(const Environment& environment,
                                                           UniqueFd fd);

 private:
  explicit TcpListener(const Environment& environment) : env_(environment) {}
  void OnAccept(UniqueFd fd, const Endpoint& remote) override;

  const Environment env_;
  std::unique_ptr<TcpAcceptor> acceptor_;
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_TCP_LISTENER_H_
