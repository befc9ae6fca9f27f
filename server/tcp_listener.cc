#include "server/tcp_listener.h"

#include <utility>

#include "core/status_macros.h"
#include "net/tcp_stream.h"
#include "net/tls_stream.h"

namespace dotcache {

absl::StatusOr<std::unique_ptr<TcpListener>> TcpListener::Open(
    UvLoop& loop, UniqueFd fd, const TlsServerCredentials* credentials, SessionTable& sessions) {
  auto listener = std::unique_ptr<TcpListener>(new TcpListener(loop, credentials, sessions));
  ASSIGN_OR_RETURN(listener->acceptor_, TcpAcceptor::Open(loop, std::move(fd), *listener));
  return listener;
}

void TcpListener::OnAccept(UniqueFd fd, const Endpoint& remote) {
  std::unique_ptr<TlsSession> tls;
  if (credentials_ != nullptr) {
    absl::StatusOr<std::unique_ptr<TlsSession>> made = TlsSession::NewServer(*credentials_);
    if (!made.ok()) return;  // Out of memory: the client may try again.
    tls = *std::move(made);
  }
  TcpSession* session =
      sessions_.NewSession(tls != nullptr ? Transport::kDot : Transport::kTcp, remote);
  if (session == nullptr) return;
  const TcpOptions options;
  ByteStream::Delegate& delegate = session->stream_delegate();
  if (tls != nullptr) {
    session->Serve(TlsStream::Adopt(loop_, std::move(fd), options, std::move(tls), delegate));
  } else {
    session->Serve(TcpStream::Adopt(loop_, std::move(fd), options, delegate));
  }
}

}  // namespace dotcache
