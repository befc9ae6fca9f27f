// SPDX-License-Identifier: Apache-2.0
#include "upstream/connection/stream_connection.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "absl/random/uniform_real_distribution.h"
#include "absl/strings/str_cat.h"
#include "dns/message_header.h"

namespace dotcache {
namespace {

constexpr char kSpoilt[] = "messages that answer none of our queries";
constexpr char kRefused[] =
    "the server asked for a client certificate (cert, key) and closed the connection";
constexpr int kForeignMessagesToDrain = 3;
constexpr int kForeignMessagesToClose = 100;
// Message IDs that wait for answers nobody wants, an eighth of all.
constexpr size_t kMaxUnwanted = 8192;

UpstreamFailure FailureToConnect(StreamError error) {
  switch (error) {
    case StreamError::kConnectRefused:
      return UpstreamFailure::kConnectRefused;
    case StreamError::kUnreachable:
      return UpstreamFailure::kUnreachable;
    case StreamError::kOutOfResources:
      return UpstreamFailure::kOutOfResources;
    case StreamError::kTlsCertificate:
      return UpstreamFailure::kCertificate;
    case StreamError::kTlsClientCertificate:
      return UpstreamFailure::kClientCertificate;
    case StreamError::kTlsHandshake:
    case StreamError::kTlsProtocol:
    case StreamError::kReset:
      return UpstreamFailure::kTlsHandshake;
    default:
      return UpstreamFailure::kConnectFailed;
  }
}

Duration DrawAge(Duration max, absl::BitGenRef random) {
  absl::uniform_real_distribution<double> part(0.75, 1.0);
  return std::chrono::duration_cast<Duration>(max * part(random));
}

}  // namespace

StreamConnection::StreamConnection(const Context& context, const UpstreamServerOptions& server,
                                   Connection::Delegate& delegate)
    : context_(context),
      delegate_(delegate),
      began_(context.loop.Now()),
      max_age_(DrawAge(context.limits.tuning.max_connection_age, context.random)),
      idle_timeout_(context.limits.idle_timeout),
      ids_(context.random),
      timer_(context.loop.NewTimer([this] { OnTimer(); })) {
  TcpOptions options;
  options.write_marks.limit = static_cast<size_t>(context.limits.tuning.max_write_backlog_bytes);
  options.outgoing = context.limits.outgoing;
  options.user_timeout = 2 * context.limits.tuning.max_attempt_timeout;
  timer_->Start(context.limits.connect_timeout);
  if (context.credentials == nullptr) {
    stream_ = TcpStream::Connect(context.loop, server.endpoint, options, *this);
    return;
  }
  auto session = TlsSession::NewClient(context.credentials, server.identity, context.tickets);
  if (!session.ok()) {
    start_error_ = std::string(session.status().message());
    timer_->Start(Duration::zero());
    return;
  }
  auto tls = TlsStream::Connect(context.loop, server.endpoint, options, *std::move(session), *this);
  tls_ = tls.get();
  stream_ = std::move(tls);
}

StreamConnection::~StreamConnection() = default;

void StreamConnection::Send(const UpstreamQuery& query, AttemptId attempt) {
  assert(context_.loop.InLoopThread() && HasRoom());
  const uint16_t id = Write(query);
  Pending& pending = pending_.at(id);
  pending.attempt = attempt;
  pending.wanted = true;
  id_of_wanted_[attempt] = id;
  ++wanted_;
  idle_since_.reset();
  if (ready_) timer_->Stop();
}

// Sends a query whose answer nobody wants yet; returns its message ID.
uint16_t StreamConnection::Write(const UpstreamQuery& query) {
  const Question& question = query.question;
  const uint16_t id = ids_.Take();
  Pending& pending = pending_[id];
  pending.qtype = question.qtype;
  pending.qclass = question.qclass;
  pending.qname.assign(question.qname.wire().begin(), question.qname.wire().end());
  if (stream_ == nullptr) return id;  // Never began; the timer reports it.
  std::array<uint8_t, 2 + kMaxUpstreamQuerySize> framed;
  const size_t size =
      BuildUpstreamQuery(query, id, {.padded = tls_ != nullptr, .ask_keepalive = true},
                         MutableBytes(framed).subspan(2));
  StoreU16(framed.data(), static_cast<uint16_t>(size));
  stream_->Write(Bytes(framed.data(), 2 + size));
  return id;
}

void StreamConnection::AskForSignOfLife() {
  if (!ready_ || closed_ || ids_.taken_count() >= MessageIdPool::kMaxTaken) return;
  Write({{DomainName(), QType::kNs, QClass::kIn}, false, false});
}

void StreamConnection::Forget(AttemptId attempt) {
  const auto found = id_of_wanted_.find(attempt);
  if (found == id_of_wanted_.end()) return;
  Pending& pending = pending_.at(found->second);
  id_of_wanted_.erase(found);
  pending.wanted = false;
  --wanted_;
  overdue_ -= pending.overdue ? 1 : 0;
  if (ready_ && !closed_) WhenIdle();
}

void StreamConnection::NoteOverdue(AttemptId attempt) {
  const auto found = id_of_wanted_.find(attempt);
  if (found == id_of_wanted_.end()) return;
  if (!std::exchange(pending_.at(found->second).overdue, true)) ++overdue_;
}

bool StreamConnection::HasRoom() const {
  return !draining() && wanted_ - overdue_ < context_.limits.tuning.max_in_flight_per_connection &&
         ids_.taken_count() < MessageIdPool::kMaxTaken;
}

bool StreamConnection::draining() const {
  return closed_ || told_to_close_ || spoilt_ || given_up_ || retired_ ||
         pending_.size() - static_cast<size_t>(wanted_) > kMaxUnwanted ||
         context_.loop.Now() - began_ >= max_age_;
}

void StreamConnection::OnStreamOpen() {
  ready_ = true;
  timer_->Stop();
  WhenIdle();
  delegate_.OnConnectionReady(*this, tls_ != nullptr && tls_->resumed(),
                              context_.loop.Now() - began_);
}

void StreamConnection::OnStreamData(Bytes data) {
  if (closed_) return;
  framer_.Feed(data);
  while (!closed_) {
    const std::optional<Bytes> message = framer_.Next();
    if (!message.has_value()) break;
    OnMessage(*message);
  }
  if (closed_ || !pending_.empty() || !framer_.mid_message()) return;
  // Of a message that answers nothing it is not worth waiting for the rest: an answer behind it
  // would be taken for part of it.
  delegate_.OnMismatch(*this, std::nullopt);
  if (!closed_) Close(UpstreamFailure::kConnectionLost, true, "octets that answer no query");
}

void StreamConnection::OnMessage(Bytes message) {
  last_received_ = context_.loop.Now();
  // What has no ID is nobody's.
  const auto found =
      message.size() < kHeaderSize ? pending_.end() : pending_.find(LoadU16(message.data()));
  if (found == pending_.end() || !BelongsToQuestion(message, found->second.question())) {
    OnForeignMessage(message);
    return;
  }
  const Pending pending = std::move(found->second);
  ids_.Release(found->first);
  pending_.erase(found);
  EdnsInfo edns;
  AttemptResult result = JudgeResponse(message, pending.question(), &edns);
  NoteKeepalive(edns);
  if (!pending.wanted) {
    WhenIdle();
    delegate_.OnUnwantedAnswer(*this);
    return;
  }
  id_of_wanted_.erase(pending.attempt);
  --wanted_;
  overdue_ -= pending.overdue ? 1 : 0;
  WhenIdle();
  delegate_.OnAttemptResult(*this, pending.attempt, std::move(result));
}

void StreamConnection::NoteKeepalive(const EdnsInfo& edns) {
  if (!edns.keepalive_timeout_100ms.has_value()) return;
  // An eighth less than the server allows, so that no query meets a connection being closed.
  const Duration announced = Milliseconds(100) * *edns.keepalive_timeout_100ms;
  told_to_close_ = announced == Duration::zero();
  idle_timeout_ = std::min<Duration>(context_.limits.idle_timeout, announced - announced / 8);
}

void StreamConnection::OnForeignMessage(Bytes message) {
  std::optional<AttemptId> attempt;
  if (message.size() >= kHeaderSize) {
    const auto by_id = pending_.find(LoadU16(message.data()));
    const auto is_meant = [&message](const auto& entry) {
      return entry.second.wanted && LoadHeader(message).qdcount == 1 &&
             BelongsToQuestion(message, entry.second.question());
    };
    const auto meant =
        by_id != pending_.end() ? by_id : std::find_if(pending_.begin(), pending_.end(), is_meant);
    if (meant != pending_.end() && meant->second.wanted) attempt = meant->second.attempt;
  }
  ++foreign_messages_;
  if (foreign_messages_ == kForeignMessagesToDrain) {
    spoilt_ = true;
    WhenIdle();
  }
  delegate_.OnMismatch(*this, attempt);
  if (foreign_messages_ < kForeignMessagesToClose || closed_) return;
  Close(UpstreamFailure::kConnectionLost, false, kSpoilt);
}

void StreamConnection::Retire() {
  retired_ = true;
  if (ready_ && !closed_) WhenIdle();
}

void StreamConnection::CloseSoon() {
  given_up_ = true;
  timer_->Start(Duration::zero());
}

void StreamConnection::OnStreamEof() {
  if (closed_) return;
  if (!ready_) {
    Close(UpstreamFailure::kTlsHandshake, false, "the server closed during the TLS handshake");
    return;
  }
  if (WasRefused()) return Close(UpstreamFailure::kClientCertificate, false, kRefused);
  NoteClosedByServer();
  Close(UpstreamFailure::kConnectionLost, wanted_ == 0,
        framer_.mid_message() ? "closed in the middle of a message" : "closed by the server");
}

void StreamConnection::OnStreamError(StreamError error, const std::string& detail) {
  if (closed_) return;
  if (!ready_) {
    Close(FailureToConnect(error), false, detail);
    return;
  }
  // In TLS 1.3 the server judges our certificate when we are through with the handshake.
  if (error == StreamError::kTlsClientCertificate && last_received_ == MonoTime()) {
    return Close(UpstreamFailure::kClientCertificate, false, detail);
  }
  if (error == StreamError::kReset) {
    if (WasRefused()) return Close(UpstreamFailure::kClientCertificate, false, kRefused);
    NoteClosedByServer();
  }
  Close(UpstreamFailure::kConnectionLost, error == StreamError::kReset && wanted_ == 0, detail);
}

void StreamConnection::OnTimer() {
  if (ready_) {
    if (idle_since_.has_value() && !draining()) context_.idle_limit.NoteHeld();
    const bool graceful = given_up_ || (!spoilt_ && wanted_ == 0);
    Close(UpstreamFailure::kConnectionLost, graceful,
          spoilt_ ? kSpoilt : (given_up_ ? "given up" : "idle"));
  } else if (given_up_) {
    Close(UpstreamFailure::kConnectionLost, true, "given up");
  } else if (!start_error_.empty()) {
    Close(UpstreamFailure::kTlsHandshake, false, start_error_);
  } else {
    Close(UpstreamFailure::kConnectTimeout, false,
          absl::StrCat("not connected within ", context_.limits.connect_timeout.count(), " ms"));
  }
}

// Sets the time to close when nobody waits for a response: at once in the next turn when draining.
void StreamConnection::WhenIdle() {
  if (wanted_ > 0) return;
  if (draining()) {
    timer_->Start(Duration::zero());
    return;
  }
  const MonoTime now = context_.loop.Now();
  if (!idle_since_.has_value()) idle_since_ = now;
  timer_->Start(
      std::min<Duration>(context_.idle_limit.Allowed(idle_timeout_), max_age_ - (now - began_)));
}

// Closed by the server: it may do so to every connection that idles as long.
void StreamConnection::NoteClosedByServer() {
  if (!idle_since_.has_value() || !pending_.empty() || draining()) return;
  context_.idle_limit.NoteClosedByServer(context_.loop.Now() - *idle_since_);
}

// True when the server asked for our certificate and then closed without a word, as soon as that
// could be judged. Later, that is how a server closes an idle connection.
bool StreamConnection::WasRefused() const {
  return tls_ != nullptr && tls_->awaits_verdict() &&
         context_.loop.Now() - began_ < context_.limits.connect_timeout;
}

// The owner destroys this object, through the loop, inside the last call.
void StreamConnection::Close(UpstreamFailure failure, bool graceful, const std::string& detail) {
  closed_ = true;
  timer_->Stop();
  std::vector<AttemptId> lost;
  for (const auto& [id, pending] : pending_) {
    if (pending.wanted) lost.push_back(pending.attempt);
  }
  wanted_ = 0;
  delegate_.OnConnectionClosed(*this, failure, graceful, detail, std::move(lost));
}

}  // namespace dotcache
