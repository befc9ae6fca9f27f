// SPDX-License-Identifier: Apache-2.0
#include "server/tcp_session.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace dotcache {
namespace {

// How often a closing session checks whether its last replies were sent.
constexpr Milliseconds kFlushPoll{20};

// A drained session is examined this often, and takes queries for this many intervals at most.
constexpr Milliseconds kDrainPoll{10};
constexpr int kMaxDrainTicks = 10;

// How long a drained session waits for the client's FIN. A close with unread octets would be a
// reset, and the client could lose replies.
constexpr Milliseconds kLinger{100};

// Counts the overhead too, because even an empty message uses memory.
size_t BacklogCost(const WireMessage& message) { return sizeof(WireMessage) + message.size(); }

}  // namespace

TcpSession::TcpSession(const Environment& environment, const ReplyAddress& address)
    : env_(environment),
      address_(address),
      timer_(environment.loop.NewTimer([this] { OnTimer(); })) {}

TcpSession::~TcpSession() { env_.loop.CancelTurnEnd(*this); }

void TcpSession::Serve(std::unique_ptr<ByteStream> stream) {
  assert(stream_ == nullptr);
  stream_ = std::move(stream);
  const Milliseconds idle = env_.limits.stream_idle_timeout;
  const bool tls = address_.transport == Transport::kDot;
  timer_->Start(tls ? std::min(idle, env_.limits.tuning.handshake_timeout) : idle);
}

void TcpSession::OnStreamHandshake(size_t received, bool answered) {
  if (over_) return;
  SetHandshakeStep(answered ? HandshakeStep::kAnswered : HandshakeStep::kHello);
  handshake_bytes_ = received + (answered ? kAnsweredHandshakeBytes : 0);
  TellHeldBytes();
}

void TcpSession::OnStreamOpen() {
  if (over_ || address_.transport != Transport::kDot) return;
  SetHandshakeStep(HandshakeStep::kDone);
  handshake_bytes_ = 0;
  TellHeldBytes();
  if (!closing_ && !drain_ticks_.has_value()) timer_->Start(env_.limits.stream_idle_timeout);
}

void TcpSession::SetHandshakeStep(HandshakeStep step) {
  if (std::exchange(handshake_step_, step) == step) return;
  env_.owner.OnHandshakeStep(address_.session_id, step);
}

void TcpSession::OnStreamData(Bytes data) {
  if (over_ || draining_) return;
  framer_.Feed(data);
  while (const std::optional<Bytes> message = framer_.Next()) {
    if (over_) continue;  // Next() must be called until it returns std::nullopt.
    if (AtLimit() || !backlog_.empty()) {
      backlog_.emplace_back(message->begin(), message->end());
      backlog_bytes_ += BacklogCost(backlog_.back());
    } else {
      HandleMessage(*message);
    }
  }
  TellHeldBytes();
  UpdateReading();
}

void TcpSession::HandleMessage(Bytes message) {
  // A message shorter than a header is a broken frame (RFC 7766 section 8).
  if (message.size() < kHeaderSize) return End();
  env_.owner.OnSessionActive(address_.session_id);
  if (!drain_ticks_.has_value()) timer_->Start(env_.limits.stream_idle_timeout);
  ++address_.request_id;
  handling_ = true;
  const HandleResult result = env_.handler.Handle(message, /*cut=*/false, address_, env_.sink);
  handling_ = false;
  switch (result) {
    case HandleResult::kReplied:
      break;
    case HandleResult::kPending:
      ++unanswered_;
      break;
    case HandleResult::kDropped:
      End();
      break;
  }
}

void TcpSession::SendReply(Bytes framed) {
  if (over_) return;
  if (!framed.empty()) stream_->Write(framed);
  if (handling_) return;
  --unanswered_;
  assert(unanswered_ >= 0);
  // Handles the backlog at the end of the turn. To handle it here would run the handler inside the
  // caller's loop over waiting clients.
  env_.loop.RunAtTurnEnd(*this);
}

void TcpSession::OnTurnEnd() {
  if (over_ || closing_) return;
  while (!over_ && !backlog_.empty() && !AtLimit()) {
    const WireMessage message = std::move(backlog_.front());
    backlog_.pop_front();
    backlog_bytes_ -= BacklogCost(message);
    HandleMessage(message);
  }
  TellHeldBytes();
  UpdateReading();
}

void TcpSession::TellHeldBytes() {
  const size_t now = over_ ? 0 : framer_.held_bytes() + backlog_bytes_ + handshake_bytes_;
  const size_t before = std::exchange(held_bytes_, now);
  if (now != before) env_.owner.OnHeldBytes(before, now);
}

bool TcpSession::AtLimit() const {
  return unanswered_ >= env_.limits.tuning.max_queries_per_connection ||
         stream_->pending_write_bytes() > kClientWriteMarks.high;
}

void TcpSession::UpdateReading() {
  if (over_) return;
  if (draining_ && unanswered_ == 0 && backlog_.empty()) return CloseWhenFlushed();
  stream_->SetReadPaused(!draining_ && (AtLimit() || !backlog_.empty()));
}

void TcpSession::OnStreamEof() {
  if (over_) return;
  eof_ = true;
  draining_ = true;
  UpdateReading();
}

void TcpSession::Drain() {
  if (over_ || draining_ || drain_ticks_.has_value()) return;
  drain_ticks_ = 0;
  timer_->Start(kDrainPoll);
}

void TcpSession::ContinueDrain() {
  ++*drain_ticks_;
  const bool has_asked = address_.request_id > 0;
  if ((has_asked && unanswered_ == 0) || *drain_ticks_ >= kMaxDrainTicks) {
    draining_ = true;
    timer_->Start(env_.limits.stream_idle_timeout);
    UpdateReading();
  } else {
    timer_->Start(kDrainPoll);
  }
}

void TcpSession::OnStreamWritable() {
  // The stream is making this call, so the backlog is handled at the end of the turn.
  if (!over_) env_.loop.RunAtTurnEnd(*this);
}

void TcpSession::OnStreamError(StreamError, const std::string&) { End(); }

void TcpSession::CloseWhenFlushed() {
  if (closing_) return;
  closing_ = true;
  stream_->ShutdownWrite();
  linger_until_ = env_.loop.Now() + (eof_ ? Milliseconds(0) : kLinger);
  close_by_ = env_.loop.Now() + env_.limits.stream_idle_timeout;
  timer_->Start(kFlushPoll);
}

void TcpSession::OnTimer() {
  if (closing_) {
    const MonoTime now = env_.loop.Now();
    const bool read_all = eof_ || now >= linger_until_;
    if ((stream_->pending_write_bytes() == 0 && read_all) || now >= close_by_) return End();
    return timer_->Start(kFlushPoll);
  }
  if (drain_ticks_.has_value() && !draining_) return ContinueDrain();
  // Unanswered queries have deadlines of their own, all before the next expiry.
  if (unanswered_ > 0) return timer_->Start(env_.limits.stream_idle_timeout);
  End();
}

void TcpSession::End() {
  if (over_) return;
  over_ = true;
  timer_->Stop();
  backlog_.clear();
  backlog_bytes_ = 0;
  TellHeldBytes();
  env_.owner.OnSessionOver(address_.session_id);
}

}  // namespace dotcache
