// SPDX-License-Identifier: Apache-2.0
#include "net/udp_channel.h"

#include <sys/socket.h>
#include <uv.h>

#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/status_macros.h"
#include "net/uv_handle.h"
#include "net/uv_loop.h"

namespace dotcache {
namespace {

StreamError ErrorOf(int code) {
  switch (code) {
    case ECONNREFUSED:
      return StreamError::kConnectRefused;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
      return StreamError::kUnreachable;
    default:
      return StreamError::kConnectFailed;
  }
}

// True when the kernel's queue is full or a signal arrived. The peer is not at fault.
bool IsPassing(int code) {
  return code == EAGAIN || code == EINTR || code == ENOBUFS || code == ENOMEM;
}

absl::Status OpenError(int code, const Endpoint& remote) {
  const std::string text =
      absl::StrCat("cannot open a UDP socket to ", remote.ToString(), ": ", std::strerror(code));
  const bool exhausted = code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM ||
                         code == EAGAIN || code == EADDRINUSE;
  return exhausted ? absl::ResourceExhaustedError(text) : absl::UnavailableError(text);
}

}  // namespace

absl::StatusOr<UniqueFd> ConnectUdp(const Endpoint& remote, const OutgoingOptions& outgoing) {
  ASSIGN_OR_RETURN(const Endpoint current, remote.Current());
  UniqueFd fd = OpenOutgoing(current, OutgoingKind::kUdp, outgoing);
  // No port is bound. connect() makes the kernel choose one at random from
  // net.ipv4.ip_local_port_range.
  if (!fd.valid() || connect(fd.get(), current.address(), current.address_size()) != 0) {
    return OpenError(errno, remote);
  }
  return fd;
}

struct UdpChannel::Impl {
  Impl(UvLoop& the_loop, UniqueFd the_fd, Delegate& the_delegate)
      : loop(the_loop), fd(std::move(the_fd)), delegate(the_delegate) {}

  int Start() {
    return uv_poll_start(poll.get(), UV_READABLE, [](uv_poll_t* handle, int, int) {
      if (Impl* self = OwnerOf<Impl>(handle)) self->OnReadable();
    });
  }

  // libuv stops polling after an error on the socket. recv() then returns that error.
  void OnReadable() {
    const MutableBytes buffer = loop.read_buffer();
    const ssize_t size = recv(fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size >= 0) {
      delegate.OnDatagram(buffer.first(static_cast<size_t>(size)));
    } else if (!IsPassing(errno)) {
      Fail(errno);
    } else if (!uv_is_active(poll.as<uv_handle_t>())) {
      Start();
    }
  }

  void Fail(int code) {
    uv_poll_stop(poll.get());
    delegate.OnChannelError(ErrorOf(code));
  }

  UvLoop& loop;
  UniqueFd fd;
  Delegate& delegate;
  UvHandle<uv_poll_t> poll;  // Closed before `fd`.
  int send_error = 0;
  std::unique_ptr<Timer> error_timer;  // Created when a send fails.
};

UdpChannel::UdpChannel(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

UdpChannel::~UdpChannel() { assert(impl_->loop.InLoopThread()); }

absl::StatusOr<std::unique_ptr<UdpChannel>> UdpChannel::Open(UvLoop& loop, const Endpoint& remote,
                                                             Delegate& delegate,
                                                             const OutgoingOptions& outgoing) {
  assert(loop.InLoopThread());
  ASSIGN_OR_RETURN(UniqueFd fd, ConnectUdp(remote, outgoing));
  auto impl = std::make_unique<Impl>(loop, std::move(fd), delegate);
  int code = OpenPoll(impl->poll, loop.raw(), impl->fd.get(), impl.get());
  if (code == 0) code = impl->Start();
  if (code != 0) return OpenError(-code, remote);
  return std::make_unique<UdpChannel>(std::move(impl));
}

void UdpChannel::Send(Bytes datagram) {
  assert(impl_->loop.InLoopThread());
  if (send(impl_->fd.get(), datagram.data(), datagram.size(), MSG_DONTWAIT) >= 0) return;
  if (IsPassing(errno) || impl_->send_error != 0) return;
  impl_->send_error = errno;
  impl_->error_timer = impl_->loop.NewTimer([impl = impl_.get()] { impl->Fail(impl->send_error); });
  impl_->error_timer->Start(Duration::zero());
}

}  // namespace dotcache
