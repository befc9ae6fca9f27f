// SPDX-License-Identifier: Apache-2.0
#include "net/tls/tls_stream.h"

#include <cassert>
#include <utility>

#include "absl/strings/str_cat.h"
#include "net/uv_loop.h"

namespace dotcache {
namespace {

// Write marks of the TCP stream below. Its high mark equals its low mark, so it reports each time
// its queue falls below that mark. TlsStream then decides whether to call its own delegate. The
// limit is larger, because the handshake and the records add octets.
TcpOptions OptionsBelow(TcpOptions options) {
  WriteMarks& marks = options.write_marks;
  marks.high = marks.low;
  marks.limit += marks.limit / 8 + 16 * 1024;
  return options;
}

}  // namespace

TlsStream::TlsStream(UvLoop& loop, const TcpOptions& options, std::unique_ptr<TlsSession> session,
                     ByteStream::Delegate& delegate)
    : loop_(loop),
      write_marks_(options.write_marks),
      delegate_(delegate),
      session_(std::move(session)) {}

TlsStream::~TlsStream() { loop_.CancelTurnEnd(*this); }

std::unique_ptr<TlsStream> TlsStream::Connect(UvLoop& loop, const Endpoint& remote,
                                              const TcpOptions& options,
                                              std::unique_ptr<TlsSession> session,
                                              ByteStream::Delegate& delegate) {
  assert(loop.InLoopThread());
  std::unique_ptr<TlsStream> stream(new TlsStream(loop, options, std::move(session), delegate));
  stream->tcp_ = TcpStream::Connect(loop, remote, OptionsBelow(options), *stream);
  return stream;
}

std::unique_ptr<TlsStream> TlsStream::Adopt(UvLoop& loop, UniqueFd fd, const TcpOptions& options,
                                            std::unique_ptr<TlsSession> session,
                                            ByteStream::Delegate& delegate) {
  assert(loop.InLoopThread());
  std::unique_ptr<TlsStream> stream(new TlsStream(loop, options, std::move(session), delegate));
  stream->tcp_ = TcpStream::Adopt(loop, std::move(fd), OptionsBelow(options), *stream);
  return stream;
}

void TlsStream::Write(Bytes data) {
  assert(loop_.InLoopThread());
  assert(!shutdown_wanted_);
  if (failed_ || overflow_bytes_ > 0 || data.empty()) return;
  const size_t total = pending_write_bytes() + data.size();
  if (total > write_marks_.limit) {
    overflow_bytes_ = total;
    loop_.RunAtTurnEnd(*this);
    return;
  }
  above_high_mark_ |= total > write_marks_.high;
  plain_text_.insert(plain_text_.end(), data.begin(), data.end());
  write_sizes_.push_back(static_cast<uint32_t>(data.size()));
  if (open_) loop_.RunAtTurnEnd(*this);
}

void TlsStream::ShutdownWrite() {
  assert(loop_.InLoopThread());
  shutdown_wanted_ = true;
  if (open_) loop_.RunAtTurnEnd(*this);
}

void TlsStream::SetReadPaused(bool paused) {
  assert(loop_.InLoopThread());
  read_paused_ = paused;
  if (!open_ || failed_) return;  // The handshake must read.
  tcp_->SetReadPaused(paused);
  if (!paused) loop_.RunAtTurnEnd(*this);
}

size_t TlsStream::pending_write_bytes() const {
  return plain_text_.size() + tcp_->pending_write_bytes();
}

void TlsStream::OnStreamOpen() {
  connected_ = true;
  OnStreamData({});
}

void TlsStream::OnStreamData(Bytes data) {
  if (failed_) return;
  if (!open_) handshake_bytes_ += data.size();
  session_->Feed(data, [this](Bytes plain_text) {
    received_.insert(received_.end(), plain_text.begin(), plain_text.end());
  });
  Advance();
}

void TlsStream::OnStreamEof() {
  if (failed_) return;
  if (!open_) {
    return Fail(StreamError::kTlsHandshake,
                absl::StrCat("the peer closed the connection during the TLS handshake",
                             session_->HandshakeHint()));
  }
  peer_closed_ = true;
  DeliverReceived();
}

void TlsStream::OnStreamWritable() {
  if (!failed_) ReportWritable();
}

void TlsStream::OnStreamError(StreamError error, const std::string& detail) {
  if (failed_) return;
  Fail(error, connected_ ? absl::StrCat(detail, session_->HandshakeHint()) : detail);
}

// Reports to the owner the state that Feed() has reached.
void TlsStream::Advance() {
  SendOutput();
  const TlsSession::State state = session_->state();
  if (state == TlsSession::State::kFailed) {
    return Fail(session_->error(), session_->error_detail());
  }
  if (state == TlsSession::State::kPeerClosed) peer_closed_ = true;
  if (!open_ && state != TlsSession::State::kHandshaking) {
    open_ = true;
    tcp_->SetReadPaused(read_paused_);
    if (!plain_text_.empty() || shutdown_wanted_) loop_.RunAtTurnEnd(*this);
    delegate_.OnStreamOpen();
  }
  if (!open_ && handshake_bytes_ > 0) {
    return delegate_.OnStreamHandshake(handshake_bytes_, handshake_answered_);
  }
  DeliverReceived();
}

void TlsStream::OnTurnEnd() {
  if (failed_) return;
  if (overflow_bytes_ > 0) {
    return Fail(StreamError::kWriteOverflow,
                absl::StrCat("the peer does not read: ", overflow_bytes_, " octets to write"));
  }
  if (!open_) return;
  Encrypt();
  if (session_->state() == TlsSession::State::kFailed) {
    return Fail(session_->error(), session_->error_detail());
  }
  DeliverReceived();
  ReportWritable();
}

void TlsStream::Encrypt() {
  Bytes left = plain_text_;
  for (const uint32_t size : write_sizes_) {
    if (session_->Write(left.first(size)) == TlsSession::State::kFailed) break;
    left.remove_prefix(size);
  }
  WireMessage().swap(plain_text_);
  std::vector<uint32_t>().swap(write_sizes_);
  const bool is_last = shutdown_wanted_ && !shutdown_done_;
  if (is_last) session_->Close();
  SendOutput();
  above_high_mark_ |= pending_write_bytes() > write_marks_.high;  // Records add octets.
  if (is_last) tcp_->ShutdownWrite();
  shutdown_done_ |= is_last;
}

void TlsStream::SendOutput() {
  WireMessage& output = session_->output();
  if (output.empty()) return;
  handshake_answered_ = true;
  if (!shutdown_done_)
    tcp_->Write(output);  // After the FIN, only a late alert is possible; it is dropped.
  WireMessage().swap(output);
}

void TlsStream::DeliverReceived() {
  if (!open_ || read_paused_ || failed_) return;
  if (!received_.empty()) {
    WireMessage data;
    data.swap(received_);
    delegate_.OnStreamData(data);
  }
  if (peer_closed_ && !eof_delivered_ && !read_paused_) {
    eof_delivered_ = true;
    delegate_.OnStreamEof();
  }
}

void TlsStream::ReportWritable() {
  if (!above_high_mark_ || pending_write_bytes() > write_marks_.low) return;
  above_high_mark_ = false;
  delegate_.OnStreamWritable();
}

void TlsStream::Fail(StreamError error, const std::string& detail) {
  failed_ = true;
  WireMessage().swap(plain_text_);
  std::vector<uint32_t>().swap(write_sizes_);
  WireMessage().swap(received_);
  tcp_->SetReadPaused(true);
  delegate_.OnStreamError(error, detail);
}

}  // namespace dotcache
