// SPDX-License-Identifier: Apache-2.0
#include "net/tcp_stream.h"

#include <netinet/tcp.h>
#include <uv.h>

#include <cassert>
#include <cerrno>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "net/uv_handle.h"
#include "net/uv_loop.h"

namespace dotcache {
namespace {

// A buffer that a burst made larger than this is freed rather than kept.
constexpr size_t kKeptBufferBytes = size_t{16} * 1024;

// Data that uv_write() needs until its callback. The callback may come after the stream is
// destroyed.
struct WriteRequest {
  uv_write_t request;
  WireMessage data;
};

StreamError UnreachableOr(int code, StreamError otherwise) {
  switch (code) {
    case UV_ENETUNREACH:
    case UV_EHOSTUNREACH:
    case UV_ENETDOWN:
    case UV_EAFNOSUPPORT:
    case UV_EADDRNOTAVAIL:
      return StreamError::kUnreachable;
    default:
      return otherwise;
  }
}

StreamError ConnectError(int code) {
  if (code == UV_ECONNREFUSED || code == UV_ECONNRESET) return StreamError::kConnectRefused;
  if (code == UV_EMFILE || code == UV_ENFILE || code == UV_ENOBUFS || code == UV_ENOMEM) {
    return StreamError::kOutOfResources;
  }
  return UnreachableOr(code, StreamError::kConnectFailed);
}

}  // namespace

// States: kConnecting or kAdopted, then kOpen. Each of them can change to kFailed. A timer reports
// the failure in the next turn. The delegate is therefore not called inside a call into the stream.
// A delegate that reconnects after each failure cannot block the loop either.
struct TcpStream::Impl : public TurnEndHook {
  enum class State { kConnecting, kAdopted, kOpen, kFailed };

  Impl(UvLoop& the_loop, const TcpOptions& the_options, Delegate& the_delegate)
      : loop(the_loop), options(the_options), delegate(the_delegate) {}
  ~Impl() override { loop.CancelTurnEnd(*this); }

  int Configure();
  int Take(UniqueFd fd);
  int Connect(const Endpoint& remote);
  int Adopt(UniqueFd fd);
  void Open();
  void OnTurnEnd() override;
  void UpdateReading();
  void OnRead(ssize_t size, const uv_buf_t* buffer);
  void Flush();
  void WriteRest(size_t written);
  void OnWritten(int code);
  void Fail(StreamError error, std::string detail);
  size_t pending_bytes() const {
    return pending.size() + (tcp ? uv_stream_get_write_queue_size(tcp.as<uv_stream_t>()) : 0);
  }

  UvLoop& loop;
  const TcpOptions options;
  Delegate& delegate;
  UvHandle<uv_tcp_t> tcp;
  State state = State::kConnecting;
  bool read_paused = false;
  bool read_eof = false;
  bool reading = false;
  bool writing = false;  // A WriteRequest is in progress; `pending` follows it.
  bool above_high_mark = false;
  bool shutdown_wanted = false;
  WireMessage pending;

  StreamError error = StreamError::kNone;
  std::string error_detail;
  std::unique_ptr<Timer> error_timer;
};

int TcpStream::Impl::Configure() {
  if (int code = uv_tcp_nodelay(tcp.get(), 1); code != 0) return code;
  uv_os_fd_t fd = -1;
  if (int code = uv_fileno(tcp.as<uv_handle_t>(), &fd); code != 0) return code;
  if (options.user_timeout > Milliseconds(0)) {
    const unsigned int timeout_ms = static_cast<unsigned int>(options.user_timeout.count());
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof timeout_ms);
  }
  if (options.send_buffer_bytes > 0) {
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &options.send_buffer_bytes, sizeof(int));
  }
  return 0;
}

int TcpStream::Impl::Connect(const Endpoint& remote) {
  UniqueFd fd = OpenOutgoing(remote, OutgoingKind::kTcp, options.outgoing);
  if (!fd.valid()) return uv_translate_sys_error(errno);
  int code = Take(std::move(fd));
  if (code != 0) return code;
  auto request = std::make_unique<uv_connect_t>();
  code = uv_tcp_connect(
      request.get(), tcp.get(), remote.address(), [](uv_connect_t* finished, int status) {
        std::unique_ptr<uv_connect_t> owned(finished);
        Impl* self = OwnerOf<Impl>(owned->handle);
        if (self == nullptr) return;
        if (status == 0) return self->Open();
        self->Fail(ConnectError(status), absl::StrCat("connect: ", uv_strerror(status)));
      });
  if (code == 0) static_cast<void>(request.release());  // The callback owns it.
  return code;
}

int TcpStream::Impl::Take(UniqueFd fd) {
  int code = tcp.Open(this, [&](uv_tcp_t* handle) { return uv_tcp_init(loop.raw(), handle); });
  if (code != 0) return code;
  if (code = uv_tcp_open(tcp.get(), fd.get()); code != 0) return code;
  fd.release();  // The handle owns it.
  return Configure();
}

int TcpStream::Impl::Adopt(UniqueFd fd) {
  const int code = Take(std::move(fd));
  if (code != 0) return code;
  state = State::kAdopted;
  loop.RunAtTurnEnd(*this);
  return 0;
}

void TcpStream::Impl::Open() {
  state = State::kOpen;
  UpdateReading();
  if (!pending.empty() || shutdown_wanted) loop.RunAtTurnEnd(*this);
  delegate.OnStreamOpen();
}

void TcpStream::Impl::OnTurnEnd() {
  if (state == State::kAdopted) Open();
  Flush();
}

void TcpStream::Impl::UpdateReading() {
  const bool wanted = state == State::kOpen && !read_paused && !read_eof;
  if (wanted == reading) return;
  reading = wanted;
  if (!wanted) {
    uv_read_stop(tcp.as<uv_stream_t>());
    return;
  }
  const int code = uv_read_start(
      tcp.as<uv_stream_t>(),
      [](uv_handle_t* handle, size_t, uv_buf_t* buffer) {
        MutableBytes space = OwnerOf<Impl>(handle)->loop.read_buffer();
        *buffer = uv_buf_init(reinterpret_cast<char*>(space.data()),
                              static_cast<unsigned int>(space.size()));
      },
      [](uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) {
        if (Impl* self = OwnerOf<Impl>(stream)) self->OnRead(size, buffer);
      });
  if (code != 0) Fail(StreamError::kReset, absl::StrCat("read: ", uv_strerror(code)));
}

void TcpStream::Impl::OnRead(ssize_t size, const uv_buf_t* buffer) {
  if (size > 0) {
    delegate.OnStreamData(
        Bytes(reinterpret_cast<const uint8_t*>(buffer->base), static_cast<size_t>(size)));
  } else if (size == UV_EOF) {
    read_eof = true;
    UpdateReading();
    delegate.OnStreamEof();
  } else if (size < 0) {
    const int code = static_cast<int>(size);
    Fail(UnreachableOr(code, StreamError::kReset), absl::StrCat("read: ", uv_strerror(code)));
  }
}

// Passes queued octets to the kernel. Calls no delegate function except OnStreamWritable(), as its
// last step.
void TcpStream::Impl::Flush() {
  if (state != State::kOpen || writing) return;
  if (!pending.empty()) {
    const uv_buf_t buffer = uv_buf_init(reinterpret_cast<char*>(pending.data()),
                                        static_cast<unsigned int>(pending.size()));
    const int written = uv_try_write(tcp.as<uv_stream_t>(), &buffer, 1);
    if (written < 0 && written != UV_EAGAIN) {
      return Fail(UnreachableOr(written, StreamError::kReset),
                  absl::StrCat("write: ", uv_strerror(written)));
    }
    const size_t taken = written < 0 ? 0 : static_cast<size_t>(written);
    if (taken < pending.size()) return WriteRest(taken);
    pending.clear();
    if (pending.capacity() > kKeptBufferBytes) WireMessage().swap(pending);
  }
  if (shutdown_wanted) {
    uv_os_fd_t fd = -1;
    // This fails only when the connection is gone. Reading will report that.
    if (uv_fileno(tcp.as<uv_handle_t>(), &fd) == 0) shutdown(fd, SHUT_WR);
    shutdown_wanted = false;
  }
  if (std::exchange(above_high_mark, false)) delegate.OnStreamWritable();
}

void TcpStream::Impl::WriteRest(size_t written) {
  auto request = std::make_unique<WriteRequest>();
  request->data.assign(pending.begin() + static_cast<ptrdiff_t>(written), pending.end());
  WireMessage().swap(pending);
  request->request.data = request.get();
  const uv_buf_t buffer = uv_buf_init(reinterpret_cast<char*>(request->data.data()),
                                      static_cast<unsigned int>(request->data.size()));
  const int code = uv_write(
      &request->request, tcp.as<uv_stream_t>(), &buffer, 1, [](uv_write_t* finished, int status) {
        std::unique_ptr<WriteRequest> owned(static_cast<WriteRequest*>(finished->data));
        Impl* self = OwnerOf<Impl>(finished->handle);
        if (self != nullptr) self->OnWritten(status);
      });
  if (code != 0) {
    return Fail(StreamError::kReset, absl::StrCat("write: ", uv_strerror(code)));
  }
  static_cast<void>(request.release());  // The callback owns it.
  writing = true;
}

void TcpStream::Impl::OnWritten(int code) {
  writing = false;
  if (code != 0) {
    return Fail(UnreachableOr(code, StreamError::kReset),
                absl::StrCat("write: ", uv_strerror(code)));
  }
  if (above_high_mark && pending_bytes() <= options.write_marks.low) {
    above_high_mark = false;
    // One write then sends the octets queued so far and those that the delegate queues below.
    loop.RunAtTurnEnd(*this);
    return delegate.OnStreamWritable();
  }
  Flush();
}

void TcpStream::Impl::Fail(StreamError why, std::string detail) {
  if (state == State::kFailed) return;
  state = State::kFailed;
  error = why;
  error_detail = std::move(detail);
  WireMessage().swap(pending);
  tcp.Reset();
  error_timer = loop.NewTimer([this] { delegate.OnStreamError(error, error_detail); });
  error_timer->Start(Duration::zero());
}

TcpStream::TcpStream(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

TcpStream::~TcpStream() { assert(impl_->loop.InLoopThread()); }

std::unique_ptr<TcpStream> TcpStream::Connect(UvLoop& loop, const Endpoint& remote,
                                              const TcpOptions& options, Delegate& delegate) {
  assert(loop.InLoopThread());
  auto impl = std::make_unique<Impl>(loop, options, delegate);
  const absl::StatusOr<Endpoint> target = remote.Current();
  if (!target.ok()) {
    impl->Fail(StreamError::kUnreachable, std::string(target.status().message()));
  } else if (int code = impl->Connect(*target); code != 0) {
    impl->Fail(ConnectError(code), absl::StrCat("connect: ", uv_strerror(code)));
  }
  return std::make_unique<TcpStream>(std::move(impl));
}

std::unique_ptr<TcpStream> TcpStream::Adopt(UvLoop& loop, UniqueFd fd, const TcpOptions& options,
                                            Delegate& delegate) {
  assert(loop.InLoopThread());
  auto impl = std::make_unique<Impl>(loop, options, delegate);
  if (int code = impl->Adopt(std::move(fd)); code != 0) {
    impl->Fail(StreamError::kReset, absl::StrCat("accept: ", uv_strerror(code)));
  }
  return std::make_unique<TcpStream>(std::move(impl));
}

void TcpStream::Write(Bytes data) {
  assert(impl_->loop.InLoopThread());
  if (impl_->state == Impl::State::kFailed || data.empty()) return;
  const WriteMarks& marks = impl_->options.write_marks;
  const size_t total = impl_->pending_bytes() + data.size();
  if (total > marks.limit) {
    return impl_->Fail(StreamError::kWriteOverflow,
                       absl::StrCat("the peer does not read: ", total, " octets to write"));
  }
  impl_->above_high_mark |= total > marks.high;
  impl_->pending.insert(impl_->pending.end(), data.begin(), data.end());
  if (impl_->state == Impl::State::kOpen && !impl_->writing) {
    impl_->loop.RunAtTurnEnd(*impl_);
  }
}

void TcpStream::ShutdownWrite() {
  assert(impl_->loop.InLoopThread());
  if (impl_->state == Impl::State::kFailed) return;
  impl_->shutdown_wanted = true;
  if (impl_->state == Impl::State::kOpen) impl_->loop.RunAtTurnEnd(*impl_);
}

void TcpStream::SetReadPaused(bool paused) {
  assert(impl_->loop.InLoopThread());
  impl_->read_paused = paused;
  if (impl_->state == Impl::State::kOpen) impl_->UpdateReading();
}

size_t TcpStream::pending_write_bytes() const { return impl_->pending_bytes(); }

size_t TcpStream::refused_write_bytes() const {
  return impl_->writing ? impl_->pending_bytes() : 0;
}

}  // namespace dotcache
