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
  // TCP_USER_TIMEOUT: the connection fails when octets stay unacknowledged for longer. 0: the
  // kernel's default.
  Milliseconds user_timeout{0};
  OutgoingOptions outgoing = {};  // Used by Connect() only.
  // SO_SNDBUF: the octets that the kernel holds for a peer that does not read. 0: the kernel's
  // default.
  int send_buffer_bytes = 0;
};

// A ByteStream directly over TCP, with TCP_NODELAY and without Fast Open. ByteStream describes
// threads, ownership and limits.
class TcpStream : public ByteStream {
 public:
  // Starts to connect. OnStreamOpen() or OnStreamError() reports the outcome, never inside this
  // call. `loop` and `delegate` must outlive the stream.
  static std::unique_ptr<TcpStream> Connect(UvLoop& loop, const Endpoint& remote,
                                            const TcpOptions& options, Delegate& delegate);

  // Takes an accepted socket. OnStreamOpen() is called at the end of the turn, before any data.
  // `loop` and `delegate` must outlive the stream.
  static std::unique_ptr<TcpStream> Adopt(UvLoop& loop, UniqueFd fd, const TcpOptions& options,
                                          Delegate& delegate);

  struct Impl;  // Defined in the source file only, so no other code can construct this class.
  explicit TcpStream(std::unique_ptr<Impl> impl);
  ~TcpStream() override;
  void Write(Bytes data) override;
  void ShutdownWrite() override;
  void SetReadPaused(bool paused) override;
  size_t pending_write_bytes() const override;
  size_t refused_write_bytes() const override;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace dotcache

#endif  // DOTCACHE_NET_TCP_STREAM_H_
