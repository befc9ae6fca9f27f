// SPDX-License-Identifier: Apache-2.0
// One TCP connection on a libuv loop.
#ifndef DOTCACHE_NET_TCP_STREAM_H_
#define DOTCACHE_NET_TCP_STREAM_H_

#include <memory>

#include "net/byte_stream.h"
#include "net/endpoint.h"
#include "net/outgoing_socket.h"
#include "net/unique_fd.h"

namespace dotcache {

class UvLoop;

struct TcpOptions {
  WriteMarks write_marks;
  // TCP_USER_TIMEOUT: unacknowledged octets older than this end the connection. 0: the kernel's.
  Milliseconds user_timeout{0};
  OutgoingOptions outgoing = {};  // Of Connect() alone.
  // SO_SNDBUF: octets the kernel holds for a peer that does not read. 0: as many as it likes.
  int send_buffer_bytes = 0;
};

// A ByteStream straight over TCP (TCP_NODELAY, no Fast Open). See ByteStream for thread, ownership
// and limits.
class TcpStream : public ByteStream {
 public:
  // Begins to connect; the outcome is OnStreamOpen() or OnStreamError(), never inside this call.
  // `loop` and `delegate` must outlive the result.
  static std::unique_ptr<TcpStream> Connect(UvLoop& loop, const Endpoint& remote,
                                            const TcpOptions& options, Delegate& delegate);

  // Takes an accepted socket. OnStreamOpen() comes in a later callback, before any data.
  static std::unique_ptr<TcpStream> Adopt(UvLoop& loop, UniqueFd fd, const TcpOptions& options,
                                          Delegate& delegate);

  ~TcpStream() override;
  void Write(Bytes data) override;
  void ShutdownWrite() override;
  void SetReadPaused(bool paused) override;
  size_t pending_write_bytes() const override;
  size_t refused_write_bytes() const override;

 private:
  struct Impl;
  explicit TcpStream(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace dotcache

#endif  // DOTCACHE_NET_TCP_STREAM_H_
