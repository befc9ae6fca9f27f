// Client connections on one endpoint.
#ifndef DOTCACHE_SERVER_TCP_LISTENER_H_
#define DOTCACHE_SERVER_TCP_LISTENER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "net/tcp_acceptor.h"
#include "net/tls_credentials.h"
#include "server/session_table.h"

namespace dotcache {

class UvLoop;

// One worker's listening socket for TCP, or for DoT when it has credentials (RFC 7858): accepts and
// puts each connection, with TLS where wanted, into the session table. Bound to its loop's thread;
// loop, table and credentials outlive it.
class TcpListener : private TcpAcceptor::Delegate {
 public:
  // `credentials` null: plain TCP.
  static absl::StatusOr<std::unique_ptr<TcpListener>> Open(UvLoop& loop, UniqueFd fd,
                                                           const TlsServerCredentials* credentials,
                                                           SessionTable& sessions);

 private:
  TcpListener(UvLoop& loop, const TlsServerCredentials* credentials, SessionTable& sessions)
      : loop_(loop), credentials_(credentials), sessions_(sessions) {}
  void OnAccept(UniqueFd fd, const Endpoint& remote) override;

  UvLoop& loop_;
  const TlsServerCredentials* credentials_;
  SessionTable& sessions_;
  std::unique_ptr<TcpAcceptor> acceptor_;
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_TCP_LISTENER_H_
