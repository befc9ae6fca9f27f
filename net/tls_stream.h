// TLS over TCP.
#ifndef DOTCACHE_NET_TLS_STREAM_H_
#define DOTCACHE_NET_TLS_STREAM_H_

#include <memory>

#include "net/byte_stream.h"
#include "net/tcp_stream.h"
#include "net/tls_session.h"

namespace dotcache {

class UvLoop;

// A ByteStream that runs a TlsSession over a TcpStream. What is written in one loop turn is
// gathered and leaves as one record and one system call. See ByteStream for thread and ownership.
class TlsStream : public ByteStream, private ByteStream::Delegate, private TurnEndHook {
 public:
  // Connects and authenticates. All references must outlive the result.
  static std::unique_ptr<TlsStream> Connect(UvLoop& loop, const Endpoint& remote,
                                            const TcpOptions& options,
                                            std::unique_ptr<TlsSession> session,
                                            ByteStream::Delegate& delegate);
  // Serves on an accepted socket.
  static std::unique_ptr<TlsStream> Adopt(UvLoop& loop, UniqueFd fd, const TcpOptions& options,
                                          std::unique_ptr<TlsSession> session,
                                          ByteStream::Delegate& delegate);
  ~TlsStream() override;

  void Write(Bytes data) override;
  void ShutdownWrite() override;
  void SetReadPaused(bool paused) override;
  size_t pending_write_bytes() const override;

  bool resumed() const { return session_->resumed(); }

 private:
  TlsStream(UvLoop& loop, std::unique_ptr<TlsSession> session, ByteStream::Delegate& delegate);
  void OnStreamOpen() override;
  void OnStreamData(Bytes data) override;
  void OnStreamEof() override;
  void OnStreamWritable() override;
  void OnStreamError(StreamError error, const std::string& detail) override;
  void OnTurnEnd() override;

  UvLoop& loop_;
  ByteStream::Delegate& delegate_;
  std::unique_ptr<TlsSession> session_;
  WireMessage plain_text_;  // Written in this turn, not yet encrypted.
  std::unique_ptr<TcpStream> tcp_;
};

}  // namespace dotcache

#endif  // DOTCACHE_NET_TLS_STREAM_H_
