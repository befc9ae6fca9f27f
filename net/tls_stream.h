// SPDX-License-Identifier: Apache-2.0
// TLS over TCP.
#ifndef DOTCACHE_NET_TLS_STREAM_H_
#define DOTCACHE_NET_TLS_STREAM_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "net/byte_stream.h"
#include "net/tcp_stream.h"
#include "net/tls_session.h"

namespace dotcache {

class UvLoop;

// A ByteStream that runs a TlsSession over a TcpStream. What is written in one loop turn leaves in
// one system call, each Write() in a record of its own (of up to 16 KiB): a server that looks for
// the next message at the socket alone never sees the second one of a record. A FIN without
// close_notify counts as the end of the stream all the same: the messages of DNS carry their
// length, so a cut is noticed. Holds no buffer while idle. See ByteStream for thread, ownership and
// limits.
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
  size_t refused_write_bytes() const override { return tcp_->refused_write_bytes(); }

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
  void TellReceived();
  void TellWritable();
  void Fail(StreamError error, const std::string& detail);

  UvLoop& loop_;
  const WriteMarks write_marks_;
  ByteStream::Delegate& delegate_;
  std::unique_ptr<TlsSession> session_;
  bool open_ = false;
  bool failed_ = false;
  bool read_paused_ = false;
  bool peer_closed_ = false;
  bool eof_told_ = false;
  bool above_high_mark_ = false;
  bool shutdown_wanted_ = false;
  bool shutdown_done_ = false;
  size_t overflow_bytes_ = 0;          // What a Write() over the limit came to.
  WireMessage plain_text_;             // Written in this turn or before the stream opened,
  std::vector<uint32_t> write_sizes_;  // in pieces of these sizes.
  WireMessage received_;               // Decrypted, not yet told: at most what one read brings.
  std::unique_ptr<TcpStream> tcp_;
};

}  // namespace dotcache

#endif  // DOTCACHE_NET_TLS_STREAM_H_
