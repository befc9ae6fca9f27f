// SPDX-License-Identifier: Apache-2.0
// Accepts client connections on one endpoint.
#ifndef DOTCACHE_SERVER_TCP_LISTENER_H_
#define DOTCACHE_SERVER_TCP_LISTENER_H_

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "answer/access_policy.h"
#include "answer/worker_counters.h"
#include "net/tcp_acceptor.h"
#include "net/tls/tls_credentials.h"
#include "server/gateway_watch.h"
#include "server/handshake_rate.h"
#include "server/session_table.h"

namespace dotcache {

class UvLoop;

// One worker's listening socket for TCP, or for DoT if it has credentials (RFC 7858). Accepts
// connections and adds each one to the session table, with TLS for DoT. A client without an access
// rule, or whose queries are all dropped, is closed at once: it gets no handshake and no session.
// So is a DoT client with too many handshakes. Bound to its loop's thread.
class TcpListener : private TcpAcceptor::Delegate {
 public:
  // All of these must outlive the listener.
  struct Environment {
    UvLoop& loop;
    const AccessPolicy& access;
    SessionTable& sessions;
    WorkerCounters& counters;
    HandshakeRate& handshakes;
    uint64_t listener_key = 0;         // ReplyAddress::listener_key of its clients.
    GatewayWatch* gateways = nullptr;  // Looks at the clients, unless it is null.
  };

  // Listens for TCP if `credentials` is null, otherwise for DoT.
  static absl::StatusOr<std::unique_ptr<TcpListener>> Open(
      const Environment& environment, std::shared_ptr<const TlsServerCredentials> credentials,
      UniqueFd fd);

  // Accepts the connections that wait. Destroy the listener directly after that.
  void AcceptWaiting() { acceptor_->AcceptWaiting(); }

  // Uses other access rules for new clients. They must outlive the listener or the next call.
  void UseAccess(const AccessPolicy& access) { access_ = &access; }

  // Uses `credentials` for new DoT clients. Has no effect on a TCP listener.
  void UseCredentials(std::shared_ptr<const TlsServerCredentials> credentials);

 private:
  TcpListener(const Environment& environment,
              std::shared_ptr<const TlsServerCredentials> credentials)
      : env_(environment), access_(&environment.access), credentials_(std::move(credentials)) {}
  void OnAccept(UniqueFd fd, const Endpoint& remote) override;

  const Environment env_;
  const AccessPolicy* access_;  // Not owned.
  std::shared_ptr<const TlsServerCredentials> credentials_;
  std::unique_ptr<TcpAcceptor> acceptor_;
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_TCP_LISTENER_H_
