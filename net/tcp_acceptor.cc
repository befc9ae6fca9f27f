// SPDX-License-Identifier: Apache-2.0
#include "net/tcp_acceptor.h"

#include <netinet/tcp.h>
#include <uv.h>

#include <cassert>
#include <cerrno>
#include <utility>

#include "net/listen_socket.h"
#include "net/uv_handle.h"
#include "net/uv_loop.h"

namespace dotcache {
namespace {

constexpr int kAcceptsPerTurn = 64;  // A flood of connections must not delay the open ones.
constexpr int kMaxBacklog = 4096;    // More than listen() is asked for.
constexpr Milliseconds kBackOffTime{100};

enum class AcceptOutcome { kTryNext, kWait, kBackOff };

AcceptOutcome OutcomeOf(int error) {
  switch (error) {
    case EAGAIN:
      return AcceptOutcome::kWait;
    // The connection failed in the accept queue, or accept() returns the connection's network error
    // (accept(2)).
    case EINTR:
    case ECONNABORTED:
    case ENETDOWN:
    case EPROTO:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
      return AcceptOutcome::kTryNext;
    // EMFILE, ENFILE, ENOBUFS, ENOMEM, and any error that an immediate retry would repeat.
    default:
      return AcceptOutcome::kBackOff;
  }
}

}  // namespace

struct TcpAcceptor::Impl {
  Impl(UvLoop& the_loop, UniqueFd the_fd, Delegate& the_delegate)
      : loop(the_loop), fd(std::move(the_fd)), delegate(the_delegate) {}

  int Start();
  void OnReadable(int status);
  void AcceptSome(int most);
  void BackOff();

  UvLoop& loop;
  UniqueFd fd;
  Delegate& delegate;
  UvHandle<uv_poll_t> poll;  // Closed before `fd`.
  std::unique_ptr<Timer> retry = loop.NewTimer([this] { Start(); });
  uint64_t back_offs = 0;
  bool accepting = false;
};

int TcpAcceptor::Impl::Start() {
  return uv_poll_start(poll.get(), UV_READABLE, [](uv_poll_t* handle, int status, int) {
    if (Impl* self = OwnerOf<Impl>(handle)) self->OnReadable(status);
  });
}

void TcpAcceptor::Impl::OnReadable(int status) {
  if (status < 0) {  // libuv stopped polling: clear the socket's error first.
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    return BackOff();
  }
  accepting = true;
  AcceptSome(kAcceptsPerTurn);
  accepting = false;
}

void TcpAcceptor::Impl::AcceptSome(int most) {
  for (int i = 0; i < most; ++i) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    UniqueFd accepted(accept4(fd.get(), reinterpret_cast<sockaddr*>(&address), &size,
                              SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (accepted.valid()) {
      delegate.OnAccept(std::move(accepted),
                        Endpoint::FromSockaddr(reinterpret_cast<const sockaddr*>(&address)));
      continue;
    }
    switch (OutcomeOf(errno)) {
      case AcceptOutcome::kTryNext:
        break;
      case AcceptOutcome::kWait:
        return;
      case AcceptOutcome::kBackOff:
        return BackOff();
    }
  }
}

void TcpAcceptor::Impl::BackOff() {
  ++back_offs;
  uv_poll_stop(poll.get());
  retry->Start(kBackOffTime);
}

TcpAcceptor::TcpAcceptor(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

TcpAcceptor::~TcpAcceptor() { assert(impl_->loop.InLoopThread() && !impl_->accepting); }

absl::StatusOr<std::unique_ptr<TcpAcceptor>> TcpAcceptor::Open(UvLoop& loop, UniqueFd fd,
                                                               Delegate& delegate) {
  assert(loop.InLoopThread());
  // Accepted sockets inherit TCP_NODELAY.
  const int on = 1;
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  auto impl = std::make_unique<Impl>(loop, std::move(fd), delegate);
  int code = OpenPoll(impl->poll, loop.raw(), impl->fd.get(), impl.get());
  if (code == 0) code = impl->Start();
  if (code != 0) return CannotPoll("accept", impl->fd.get(), uv_strerror(code));
  return std::make_unique<TcpAcceptor>(std::move(impl));
}

void TcpAcceptor::AcceptWaiting() {
  assert(impl_->loop.InLoopThread() && !impl_->accepting);
  impl_->accepting = true;
  impl_->AcceptSome(kMaxBacklog);
  impl_->accepting = false;
}

uint64_t TcpAcceptor::back_offs() const { return impl_->back_offs; }

}  // namespace dotcache
