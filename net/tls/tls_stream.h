// SPDX-License-Identifier: Apache-2.0
// TLS over TCP.
#ifndef DOTCACHE_NET_TLS_TLS_STREAM_H_
#define DOTCACHE_NET_TLS_TLS_STREAM_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "net/byte_stream.h"
#include "net/tcp_stream.h"
#include "net/tls/tls_session.h"

namespace dotcache {

class UvLoop;

// A ByteStream that runs a TlsSession over a TcpStream. All octets written in one loop turn leave
// in one system call. Each Write() makes its own record, or several records above 16 KiB. The
// reason is that some servers look for the next message only at the socket. They would not see a
// second message in the same record.
//
// A FIN without close_notify also counts as the end of the stream. DNS messages contain their
// length, so the owner detects a truncated message. An idle stream has no buffer. ByteStream
// describes threads, ownership and limits.
class TlsStream : public ByteStream, private ByteStream::Delegate, private TurnEndHook {
 public:
  // Connects and authenticates the server. `loop` and `delegate` must outlive the stream.
  static std::unique_ptr<TlsStream> Connect(UvLoop& loop, const Endpoint& remote,
                                            const TcpOptions& options,
                                            std::unique_ptr<TlsSession> session,
                                            ByteStream::Delegate& delegate);
  // Runs the server side on an accepted socket. `loop` and `delegate` must outlive the stream.
  static std::unique_ptr<TlsStream> Adopt(UvLoop& loop, UniqueFd fd, const TcpOptions& options,
                                          std::unique_ptr<TlsSession> session,
                                          ByteStream::Delegate& delegate);
  ~TlsStream() override;

  void Write(Bytes data) override;
  void ShutdownWrite() override;
  void SetReadPaused(bool paused) override;
  size_t pending_write_bytes() const override;
  size_t refused_write_bytes() const override { return tcp_->refused_write_bytes(); }

  // True when TCP is connected.
  bool connected() const { return connected_; }
  int64_t certificate_expiry() const { return session_->certificate_expiry(); }
  bool heard() const { return session_->heard(); }
  bool offered_alpn() const { return session_->offered_alpn(); }
  bool offered_ticket() const { return session_->offered_ticket(); }
  bool resumed() const { return session_->resumed(); }
  bool awaits_verdict() const { return session_->awaits_verdict(); }

 private:
  TlsStream(UvLoop& loop, const TcpOptions& options, std::unique_ptr<TlsSession> session,
            ByteStream::Delegate& delegate);
  void OnStreamOpen() override;
  void OnStreamData(Bytes data) override;
  void OnStreamEof() override;
  void OnStreamWritable() override;
  void OnStreamError(StreamError error, const std::string& detail) override;
  void OnTurnEnd() override;

  void Advance();
  void Encrypt();
  void SendOutput();
  void DeliverReceived();
  void ReportWritable();
  void Fail(StreamError error, const std::string& detail);

  UvLoop& loop_;
  const WriteMarks write_marks_;
  ByteStream::Delegate& delegate_;
  std::unique_ptr<TlsSession> session_;
  bool connected_ = false;
  bool open_ = false;
  bool handshake_answered_ = false;
  size_t handshake_bytes_ = 0;  // Received before `open_`.
  bool failed_ = false;
  bool read_paused_ = false;
  bool peer_closed_ = false;
  bool eof_delivered_ = false;
  bool above_high_mark_ = false;
  bool shutdown_wanted_ = false;
  bool shutdown_done_ = false;
  size_t overflow_bytes_ = 0;  // Size of the queue with the Write() that exceeded the limit.
  WireMessage plain_text_;     // Written in this turn or before the stream opened.
  std::vector<uint32_t> write_sizes_;  // The sizes of its Write() calls.
  WireMessage received_;               // Decrypted but not delivered: at most one read.
  std::unique_ptr<TcpStream> tcp_;
};

}  // namespace dotcache

#endif  // DOTCACHE_NET_TLS_TLS_STREAM_H_
