// SPDX-License-Identifier: Apache-2.0
#include "upstream/connection/stream_connection.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <map>
#include <utility>

#include "absl/random/uniform_real_distribution.h"
#include "dns/message_header.h"
#include "upstream/connection/connect_failure.h"

namespace dotcache {
namespace {

constexpr char kForeignMessages[] = "messages that answer none of our queries";
constexpr char kRefused[] = "the server asked for a client certificate (cert, key) and closed";
constexpr int kForeignMessagesToDrain = 3;
constexpr int kForeignMessagesToClose = 100;
// Message IDs of forgotten attempts, an eighth of all.
constexpr size_t kMaxUnwanted = 8192;

Duration DrawAge(Duration max, absl::BitGenRef random) {
  absl::uniform_real_distribution<double> part(0.75, 1.0);
  return std::chrono::duration_cast<Duration>(max * part(random));
}

}  // namespace

StreamConnection::StreamConnection(const Context& context, const UpstreamServerOptions& server,
                                   Connection::Delegate& delegate)
    : context_(context),
      server_(server),
      delegate_(delegate),
      began_(context.loop.Now()),
      drains_at_(began_ + DrawAge(context.limits.tuning.max_connection_age, context.random)),
      idle_timeout_(context.limits.idle_timeout),
      idle_since_(began_),
      history_(context.habits),
      ids_(context.random),
      timer_(context.loop.NewTimer([this] { OnTimer(); })) {
  timer_->Start(context.limits.connect_timeout);
  Begin();
}

StreamConnection::~StreamConnection() = default;

int64_t StreamConnection::certificate_expiry() const {
  return tls_ == nullptr ? 0 : tls_->certificate_expiry();
}

void StreamConnection::Begin() {
  const TcpOptions options = SocketOptions(context_.limits);
  if (context_.credentials == nullptr) {
    stream_ = TcpStream::Connect(context_.loop, server_.endpoint, options, *this);
    return;
  }
  auto session = TlsSession::NewClient(context_.credentials, server_.identity, context_.tickets,
                                       /*offer_alpn=*/!context_.habits.refuses_alpn);
  if (!session.ok()) {
    end_detail_ = std::string(session.status().message());
    timer_->Start(Duration::zero());
    return;
  }
  auto tls =
      TlsStream::Connect(context_.loop, server_.endpoint, options, *std::move(session), *this);
  tls_ = tls.get();
  stream_ = std::move(tls);
}

// After a failed handshake: begins another one if it can offer less.
bool StreamConnection::BeginAgain(StreamError error) {
  if (tls_ == nullptr || ends_now_) return false;
  if (!OfferLess(*tls_, error, context_.habits.refuses_alpn, *context_.tickets)) return false;
  tls_ = nullptr;
  context_.loop.DeferDelete(std::move(stream_));
  Begin();
  return true;
}

AttemptTicket StreamConnection::Send(const UpstreamQuery& query, AttemptId attempt) {
  assert(context_.loop.InLoopThread() && HasRoom());
  ++wanted_;
  places_.Take(query.client);
  return Write(query, attempt, Purpose::kAttempt);
}

// Returns the message ID.
uint16_t StreamConnection::Write(const UpstreamQuery& query, AttemptId attempt, Purpose purpose) {
  const uint16_t id = ids_.Take();
  const MonoTime now = context_.loop.Now();
  const Duration pause = now - std::max(idle_since_, last_received());
  SentQuery sent(query, attempt, purpose, now);
  sent.place = history_.NoteSent(pending_.empty() ? pause : Duration::zero());
  pending_.insert_or_assign(id, std::move(sent));
  if (ready()) WriteQuery(id, query);
  return id;
}

void StreamConnection::WriteQuery(uint16_t id, const UpstreamQuery& query) {
  std::array<uint8_t, 2 + kMaxUpstreamQuerySize> framed;
  const size_t size =
      BuildUpstreamQuery(query, id, {.padded = tls_ != nullptr, .ask_keepalive = true},
                         MutableBytes(framed).subspan(2));
  StoreU16(framed.data(), static_cast<uint16_t>(size));
  stream_->Write(Bytes(framed.data(), 2 + size));
  if (query.observed) [[unlikely]] {
    context_.observer->OnQuerySent({server_.endpoint, transport(), query.question,
                                    Bytes(framed).subspan(2, size), context_.loop.Now()});
  }
}

// The queries that waited for the connection, in their order.
void StreamConnection::WriteWaiting() {
  std::map<uint32_t, uint16_t> in_order;
  for (const auto& [id, pending] : pending_) in_order[pending.place.number] = id;
  for (const auto& [number, id] : in_order) WriteQuery(id, pending_.at(id).query());
}

void StreamConnection::AskForSignOfLife(const Question& question) {
  if (!ready() || state() == ConnectionState::kClosed) return;
  if (ids_.taken_count() >= MessageIdPool::kMaxTaken) return;
  Write({question, false, false}, 0, Purpose::kSignOfLife);
}

void StreamConnection::CountOut(const SentQuery& pending) {
  if (!pending.wanted()) return;
  --wanted_;
  if (pending.purpose == Purpose::kOverdueAttempt) {
    --overdue_;
  } else {
    places_.Leave(pending.client);
  }
}

void StreamConnection::Forget(AttemptTicket ticket) {
  SentQuery& pending = pending_.at(static_cast<uint16_t>(ticket));
  CountOut(pending);
  pending.purpose = Purpose::kForgottenAttempt;
  if (pending_.size() - static_cast<size_t>(wanted_) > kMaxUnwanted) {
    ChangeState(ConnectionState::kDraining);
  }
  WhenIdle();
}

void StreamConnection::NoteOverdue(AttemptTicket ticket) {
  SentQuery& pending = pending_.at(static_cast<uint16_t>(ticket));
  if (pending.purpose != Purpose::kAttempt) return;
  places_.Leave(pending.client);
  pending.purpose = Purpose::kOverdueAttempt;
  ++overdue_;
}

void StreamConnection::NoteAnsweredElsewhere(AttemptTicket ticket) {
  const SentQuery& pending = pending_.at(static_cast<uint16_t>(ticket));
  if (pending.purpose == Purpose::kOverdueAttempt) {
    history_.NoteOverdue(pending.place, context_.loop.Now());
  }
}

bool StreamConnection::limited() const {
  const MonoTime now = context_.loop.Now();
  return !draining() && (history_.IsUsedUp(now) || history_.IsOne(now));
}

int StreamConnection::capacity(int most) const {
  const uint32_t allowed = history_.Capacity(context_.loop.Now());
  return static_cast<int>(std::min(static_cast<uint32_t>(most), allowed));
}

bool StreamConnection::HasRoom() const {
  const MonoTime now = context_.loop.Now();
  const int open = wanted_ - overdue_;
  return !draining() && open < context_.limits.tuning.max_in_flight_per_connection &&
         (open == 0 || !history_.IsOne(now)) && !history_.IsUsedUp(now) &&
         ids_.taken_count() < MessageIdPool::kMaxTaken && now < drains_at_;
}

std::vector<AttemptId> StreamConnection::attempts() const {
  std::vector<AttemptId> attempts;
  for (const auto& [id, pending] : pending_) {
    if (pending.wanted()) attempts.push_back(pending.attempt);
  }
  return attempts;
}

void StreamConnection::OnStreamOpen() {
  if (ends_now_) return;
  const MonoTime now = context_.loop.Now();
  for (auto& [id, pending] : pending_) pending.sent = now;
  BecomeReady();
  timer_->Stop();
  idle_since_ = now;
  ArmBy(drains_at_);
  WhenIdle();
  WriteWaiting();
  delegate_.OnConnectionReady(*this, tls_ != nullptr && tls_->resumed(), now - began_);
}

void StreamConnection::OnStreamData(Bytes data) {
  if (state() == ConnectionState::kClosed) return;
  framer_.Feed(data);
  while (state() != ConnectionState::kClosed) {
    const std::optional<Bytes> message = framer_.Next();
    if (!message.has_value()) break;
    OnMessage(*message);
  }
  if (state() == ConnectionState::kClosed || !pending_.empty() || !framer_.mid_message()) return;
  // The rest of a message that answers nothing is not waited for: a response behind it would be
  // taken for a part of it.
  delegate_.OnMismatch(*this, std::nullopt);
  if (state() == ConnectionState::kClosed) return;
  Close(UpstreamFailure::kConnectionLost, true, "octets that answer no query");
}

void StreamConnection::OnMessage(Bytes message) {
  NoteReceived(context_.loop.Now());
  const auto found =
      message.size() < kHeaderSize ? pending_.end() : pending_.find(LoadU16(message.data()));
  if (found == pending_.end() || !BelongsToQuestion(message, found->second.question())) {
    OnForeignMessage(message);
    return;
  }
  const SentQuery pending = std::move(found->second);
  history_.NoteResponse(pending.place, context_.loop.Now());
  ids_.Release(found->first);
  pending_.erase(found);
  CountOut(pending);
  if (pending.observed) [[unlikely]] {
    context_.observer->OnResponse(
        {server_.endpoint, transport(), pending.question(), message, pending.sent});
  }
  OnResponse(pending, message);
}

void StreamConnection::OnResponse(const SentQuery& pending, Bytes message) {
  EdnsInfo edns;
  AttemptResult result = JudgeResponse(message, pending.question(), &edns);
  NoteKeepalive(edns);
  WhenIdle();
  const Duration elapsed = context_.loop.Now() - pending.sent;
  if (pending.purpose == Purpose::kAttempt) history_.NoteInTime(pending.place);
  if (pending.purpose == Purpose::kOverdueAttempt) {
    history_.NoteOverdue(pending.place, context_.loop.Now());
  }
  if (pending.wanted()) {
    delegate_.OnAttemptResult(*this, pending.attempt, std::move(result), elapsed);
  } else if (pending.purpose == Purpose::kForgottenAttempt) {
    delegate_.OnLateResult(*this, result, elapsed);
  } else {
    delegate_.OnSignOfLife(*this);
  }
}

void StreamConnection::NoteKeepalive(const EdnsInfo& edns) {
  if (!edns.keepalive_timeout_100ms.has_value()) return;
  // An eighth less than the server allows, so that no query meets a connection that is being
  // closed.
  const Duration announced = Milliseconds(100) * *edns.keepalive_timeout_100ms;
  if (announced == Duration::zero()) ChangeState(ConnectionState::kDraining);
  idle_timeout_ = std::min<Duration>(context_.limits.idle_timeout, announced - announced / 8);
}

void StreamConnection::OnForeignMessage(Bytes message) {
  const std::optional<AttemptId> attempt = AttemptMeantBy(message);
  ++foreign_messages_;
  if (foreign_messages_ == kForeignMessagesToDrain) {
    end_detail_ = kForeignMessages;
    ChangeState(ConnectionState::kDraining);
    WhenIdle();
  }
  delegate_.OnMismatch(*this, attempt);
  if (foreign_messages_ < kForeignMessagesToClose || state() == ConnectionState::kClosed) return;
  Close(UpstreamFailure::kConnectionLost, false, kForeignMessages);
}

// Returns the attempt whose message ID the message has, or else whose question.
std::optional<AttemptId> StreamConnection::AttemptMeantBy(Bytes message) const {
  if (message.size() < kHeaderSize) return std::nullopt;
  auto meant = pending_.find(LoadU16(message.data()));
  if (meant == pending_.end() && LoadHeader(message).qdcount == 1) {
    meant = std::find_if(pending_.begin(), pending_.end(), [&message](const auto& entry) {
      return entry.second.wanted() && BelongsToQuestion(message, entry.second.question());
    });
  }
  if (meant == pending_.end() || !meant->second.wanted()) return std::nullopt;
  return meant->second.attempt;
}

void StreamConnection::Drain() {
  ChangeState(ConnectionState::kDraining);
  WhenIdle();
}

void StreamConnection::CloseSoon() {
  ChangeState(ConnectionState::kDraining);
  ends_now_ = true;
  timer_->Start(Duration::zero());
}

void StreamConnection::OnStreamEof() {
  if (state() == ConnectionState::kClosed) return;
  if (!ready()) {
    Close(UpstreamFailure::kTlsHandshake, false, "the server closed during the TLS handshake");
    return;
  }
  if (WasRefused()) return Close(UpstreamFailure::kClientCertificate, false, kRefused);
  NoteClosedByServer();
  Close(UpstreamFailure::kConnectionLost, wanted_ == 0,
        framer_.mid_message() ? "closed in the middle of a message" : "closed by the server");
}

void StreamConnection::OnStreamError(StreamError error, const std::string& detail) {
  if (state() == ConnectionState::kClosed) return;
  if (!ready()) {
    if (!BeginAgain(error)) Close(FailureToConnect(error), false, detail);
    return;
  }
  // In TLS 1.3 the server judges our certificate after the client has finished its handshake.
  if (error == StreamError::kTlsClientCertificate && last_received() == MonoTime()) {
    return Close(UpstreamFailure::kClientCertificate, false, detail);
  }
  if (error == StreamError::kReset) {
    if (WasRefused()) return Close(UpstreamFailure::kClientCertificate, false, kRefused);
    NoteClosedByServer();
  }
  Close(UpstreamFailure::kConnectionLost, error == StreamError::kReset && wanted_ == 0, detail);
}

void StreamConnection::OnTimer() {
  const MonoTime now = context_.loop.Now();
  if (ends_now_) return Close(UpstreamFailure::kConnectionLost, true, "given up");
  if (!ready()) {
    if (!end_detail_.empty()) return Close(UpstreamFailure::kTlsHandshake, false, end_detail_);
    const auto [failure, cause] =
        DescribeConnectTimeout(tls_, server_.endpoint.port(), context_.limits.connect_timeout);
    return Close(failure, false, cause);
  }
  if (now >= drains_at_) ChangeState(ConnectionState::kDraining);
  const bool idle = wanted_ == 0;
  if (idle && draining()) {
    const bool graceful = end_detail_.empty();
    return Close(UpstreamFailure::kConnectionLost, graceful, graceful ? "drained" : end_detail_);
  }
  if (idle && now >= idle_since_ + context_.habits.idle.Allowed(idle_timeout_)) {
    context_.habits.idle.NoteHeld();
    return Close(UpstreamFailure::kConnectionLost, true, "idle");
  }
  if (!draining()) ArmBy(drains_at_);
  if (idle) ArmBy(idle_since_ + context_.habits.idle.Allowed(idle_timeout_));
}

// Sets the time to close, if no attempt waits: the next turn while it drains.
void StreamConnection::WhenIdle() {
  if (!ready() || state() == ConnectionState::kClosed || wanted_ > 0) return;
  if (history_.IsUsedUp(context_.loop.Now())) ChangeState(ConnectionState::kDraining);
  idle_since_ = context_.loop.Now();
  ArmBy(draining() ? idle_since_ : idle_since_ + context_.habits.idle.Allowed(idle_timeout_));
}

// The timer is not moved to a later time before it fires, so that most queries leave it alone.
void StreamConnection::ArmBy(MonoTime due) {
  if (timer_->armed() && timer_due_ <= due) return;
  timer_due_ = due;
  timer_->Start(due - context_.loop.Now());
}

// The server may close every connection that is idle for as long.
void StreamConnection::NoteClosedByServer() {
  if (wanted_ > 0) history_.NoteClosedByServer(context_.loop.Now());
  if (!pending_.empty() || draining()) return;
  context_.habits.idle.NoteClosedByServer(context_.loop.Now() - idle_since_);
}

// Returns true if the server requested our certificate and then closed without an alert, as soon as
// it could judge the certificate. Later, a server closes an idle connection like this.
bool StreamConnection::WasRefused() const {
  return tls_ != nullptr && tls_->awaits_verdict() &&
         context_.loop.Now() - began_ < context_.limits.connect_timeout;
}

// The owner destroys this object, through the loop, inside the last call.
void StreamConnection::Close(UpstreamFailure failure, bool graceful, const std::string& detail) {
  timer_->Stop();
  End end{.failure = failure, .graceful = graceful, .detail = detail, .lost = {}, .not_sent = {}};
  (ready() ? end.lost : end.not_sent) = attempts();
  ChangeState(ConnectionState::kClosed);
  delegate_.OnConnectionClosed(*this, std::move(end));
}

}  // namespace dotcache
