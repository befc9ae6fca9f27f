// SPDX-License-Identifier: Apache-2.0
#include "server/tcp_listener.h"

#include <utility>

#include "core/status_macros.h"
#include "net/tcp_stream.h"
#include "net/tls/tls_stream.h"
#include "net/uv_loop.h"

namespace dotcache {

absl::StatusOr<std::unique_ptr<TcpListener>> TcpListener::Open(
    const Environment& environment, std::shared_ptr<const TlsServerCredentials> credentials,
    UniqueFd fd) {
  auto listener =
      std::unique_ptr<TcpListener>(new TcpListener(environment, std::move(credentials)));
  ASSIGN_OR_RETURN(listener->acceptor_,
                   TcpAcceptor::Open(environment.loop, std::move(fd), *listener));
  return listener;
}

void TcpListener::UseCredentials(std::shared_ptr<const TlsServerCredentials> credentials) {
  if (credentials_ != nullptr) credentials_ = std::move(credentials);
}

void TcpListener::OnAccept(UniqueFd fd, const Endpoint& remote) {
  if (env_.gateways != nullptr) env_.gateways->Note(remote);
  switch (access_->ReachOf(remote, env_.listener_key)) {
    case AccessReach::kNoRule:
      return env_.counters.refused_clients.Add();
    case AccessReach::kSilence:
      return env_.counters.dropped_clients.Add();
    case AccessReach::kRefusals:
    case AccessReach::kAnswers:
      break;
  }
  const bool tls = credentials_ != nullptr;
  // Before the place, because a place may cost another connection its own.
  if (tls && !env_.handshakes.Allows(remote, env_.loop.Now())) {
    env_.counters.limit(Limit::kHandshakes).Add();
    return;
  }
  TcpSession* session =
      env_.sessions.NewSession(tls ? Transport::kDot : Transport::kTcp, remote, env_.listener_key);
  if (session == nullptr) return;
  const TcpOptions options = {.write_marks = kClientWriteMarks,
                              .outgoing = {},
                              .send_buffer_bytes = kClientSendBufferBytes};
  ByteStream::Delegate& delegate = session->stream_delegate();
  if (!tls) {
    session->Serve(TcpStream::Adopt(env_.loop, std::move(fd), options, delegate));
    return;
  }
  absl::StatusOr<std::unique_ptr<TlsSession>> codec = TlsSession::NewServer(credentials_);
  if (!codec.ok()) return env_.sessions.Remove(*session);  // Out of memory.
  session->Serve(TlsStream::Adopt(env_.loop, std::move(fd), options, *std::move(codec), delegate));
}

}  // namespace dotcache
