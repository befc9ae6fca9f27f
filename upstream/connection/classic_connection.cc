// SPDX-License-Identifier: Apache-2.0
#include "upstream/connection/classic_connection.h"

#include <array>
#include <cassert>
#include <utility>

#include "absl/random/uniform_int_distribution.h"
#include "dns/message_header.h"

namespace dotcache {
namespace {

// So many guesses are no accident.
constexpr int kMaxForeignDatagrams = 16;

UpstreamFailure FailureOf(StreamError error) {
  switch (error) {
    case StreamError::kConnectRefused:
      return UpstreamFailure::kConnectRefused;
    case StreamError::kUnreachable:
      return UpstreamFailure::kUnreachable;
    default:
      return UpstreamFailure::kConnectFailed;
  }
}

}  // namespace

// One query that waits for its response: over UDP while it has a channel, else over TCP.
class ClassicConnection::Pending : public Deletable, public UdpChannel::Delegate {
 public:
  Pending(ClassicConnection& owner, const UpstreamQuery& the_query, AttemptId the_attempt)
      : query(the_query), attempt(the_attempt), owner_(owner) {}

  void OnDatagram(Bytes datagram) override { owner_.OnDatagram(*this, datagram); }
  void OnChannelError(StreamError error) override { owner_.OnChannelError(error); }

  const UpstreamQuery query;
  const AttemptId attempt;
  uint16_t id = 0;
  bool wanted = true;
  MonoTime forgotten_at;
  int foreign_datagrams = 0;
  std::unique_ptr<UdpChannel> channel;

 private:
  ClassicConnection& owner_;
};

ClassicConnection::ClassicConnection(const Context& context, const UpstreamServerOptions& server,
                                     Connection::Delegate& delegate)
    : context_(context),
      server_(server),
      delegate_(delegate),
      random_(context.random),
      began_(context.loop.Now()),
      timer_(context.loop.NewTimer([this] { OnTimer(); })) {
  timer_->Start(Duration::zero());
}

ClassicConnection::~ClassicConnection() = default;

void ClassicConnection::Send(const UpstreamQuery& query, AttemptId attempt) {
  assert(context_.loop.InLoopThread() && HasRoom());
  auto pending = std::make_unique<Pending>(*this, query, attempt);
  auto channel =
      UdpChannel::Open(context_.loop, server_.endpoint, *pending, context_.limits.outgoing);
  if (channel.ok()) {
    pending->channel = *std::move(channel);
    pending->id = absl::uniform_int_distribution<uint16_t>()(random_);
    std::array<uint8_t, kMaxUpstreamQuerySize> octets;
    const size_t size = BuildUpstreamQuery(
        query, pending->id, {.padded = false, .ask_keepalive = false}, absl::MakeSpan(octets));
    pending->channel->Send(Bytes(octets.data(), size));
  } else {
    if (absl::IsResourceExhausted(channel.status())) {
      without_socket_.push_back(attempt);
    } else {
      no_way_ = std::string(channel.status().message());
    }
    timer_->Start(Duration::zero());
  }
  pending_[attempt] = std::move(pending);
  ++wanted_;
}

void ClassicConnection::Forget(AttemptId attempt) {
  const auto found = pending_.find(attempt);
  if (found == pending_.end() || !found->second->wanted) return;
  Pending& pending = *found->second;
  if (pending.channel == nullptr) {
    if (tcp_ != nullptr) tcp_->Forget(attempt);
    Remove(attempt);
    return;
  }
  pending.wanted = false;
  pending.forgotten_at = context_.loop.Now();
  --wanted_;
  if (!timer_->armed()) timer_->Start(context_.limits.tuning.max_attempt_timeout);
}

bool ClassicConnection::HasRoom() const {
  return !closed_ &&
         static_cast<int>(pending_.size()) < context_.limits.tuning.max_sockets_per_connection;
}

void ClassicConnection::OnDatagram(Pending& pending, Bytes datagram) {
  if (closed_) return;
  if (!ready_) BecomeReady();
  if (datagram.size() < kHeaderSize || LoadU16(datagram.data()) != pending.id ||
      !BelongsToQuestion(datagram, pending.query.question)) {
    OnForeignDatagram(pending);
    return;
  }
  last_received_ = context_.loop.Now();
  if (!pending.wanted) {
    Remove(pending.attempt);
    delegate_.OnUnwantedAnswer(*this);
    return;
  }
  // Whatever else it holds is not looked at (RFC 2181 section 9).
  if (LoadHeader(datagram).Has(kFlagTc)) {
    AskOverTcp(pending);
    return;
  }
  EdnsInfo edns;
  Finish(pending.attempt, JudgeResponse(datagram, pending.query.question, &edns));
}

void ClassicConnection::OnForeignDatagram(Pending& pending) {
  const bool under_attack = ++pending.foreign_datagrams >= kMaxForeignDatagrams;
  const AttemptId attempt = pending.attempt;
  // Anybody may send datagrams: that says nothing of the server's own answer.
  delegate_.OnMismatch(*this, std::nullopt);
  if (!under_attack || !pending_.contains(attempt)) return;
  if (pending.wanted) {
    AskOverTcp(pending);
  } else {
    Remove(attempt);
  }
}

// The other queries went to the same address: none of them will be answered. It is a failure to
// connect, told as late as only a query can tell it.
void ClassicConnection::OnChannelError(StreamError error) {
  if (!closed_) Close(FailureOf(error), std::string(StreamErrorName(error)));
}

void ClassicConnection::AskOverTcp(Pending& pending) {
  context_.loop.DeferDelete(std::move(pending.channel));
  if (tcp_ == nullptr) {
    tcp_ = std::make_unique<StreamConnection>(
        StreamConnection::Context{context_.loop, context_.limits, context_.random, nullptr, nullptr,
                                  context_.idle_limit},
        server_, static_cast<Connection::Delegate&>(*this));
  }
  if (tcp_->HasRoom()) {
    tcp_->Send(pending.query, pending.attempt);
  } else {
    Finish(pending.attempt, UpstreamFailure::kOverloaded);
  }
}

void ClassicConnection::OnAttemptResult(Connection&, AttemptId attempt, AttemptResult result) {
  if (closed_) return;
  last_received_ = context_.loop.Now();
  Finish(attempt, std::move(result));
}

void ClassicConnection::OnUnwantedAnswer(Connection&) {
  if (closed_) return;
  last_received_ = context_.loop.Now();
  delegate_.OnUnwantedAnswer(*this);
}

void ClassicConnection::OnMismatch(Connection&, std::optional<AttemptId> attempt) {
  if (!closed_) delegate_.OnMismatch(*this, attempt);
}

// Says nothing about UDP: a server may refuse TCP and answer all the same what is small enough.
void ClassicConnection::OnConnectionClosed(Connection&, UpstreamFailure failure, bool,
                                           const std::string&, std::vector<AttemptId> lost) {
  context_.loop.DeferDelete(std::move(tcp_));
  // Over UDP the query has been sent, and answered with TC: it is not as if it had never left.
  const UpstreamFailure as_sent =
      IsConnectFailure(failure) ? UpstreamFailure::kConnectionLost : failure;
  for (const AttemptId attempt : lost) {
    if (closed_) return;
    Finish(attempt, as_sent);
  }
}

void ClassicConnection::Finish(AttemptId attempt, AttemptResult result) {
  const auto found = pending_.find(attempt);
  if (found == pending_.end() || !found->second->wanted) return;
  Remove(attempt);
  delegate_.OnAttemptResult(*this, attempt, std::move(result));
}

// Through the loop, as this may be inside a callback of its channel.
void ClassicConnection::Remove(AttemptId attempt) {
  const auto found = pending_.find(attempt);
  if (found->second->wanted) --wanted_;
  context_.loop.DeferDelete(std::move(found->second));
  pending_.erase(found);
}

void ClassicConnection::OnTimer() {
  if (!ready_ && no_way_.empty()) FindWay();
  if (!no_way_.empty()) {
    Close(UpstreamFailure::kUnreachable, no_way_);
    return;
  }
  if (!ready_) BecomeReady();
  if (!closed_) ReportUnsent();
  if (!closed_) DropForgotten();
}

// Whether there is a way at all is the one thing that can be known without a query.
void ClassicConnection::FindWay() {
  const auto socket = ConnectUdp(server_.endpoint, context_.limits.outgoing);
  if (absl::IsUnavailable(socket.status())) no_way_ = std::string(socket.status().message());
}

void ClassicConnection::BecomeReady() {
  ready_ = true;
  delegate_.OnConnectionReady(*this, /*resumed=*/false, context_.loop.Now() - began_);
}

void ClassicConnection::ReportUnsent() {
  for (const AttemptId attempt : std::exchange(without_socket_, {})) {
    Finish(attempt, UpstreamFailure::kOverloaded);
  }
}

void ClassicConnection::DropForgotten() {
  const MonoTime now = context_.loop.Now();
  bool some_left = false;
  absl::erase_if(pending_, [&](const auto& entry) {
    if (entry.second->wanted) return false;
    const bool late =
        now - entry.second->forgotten_at >= context_.limits.tuning.max_attempt_timeout;
    some_left |= !late;
    return late;
  });
  if (some_left && !timer_->armed()) timer_->Start(context_.limits.tuning.max_attempt_timeout);
}

// The owner destroys this object, through the loop, inside the last call.
void ClassicConnection::Close(UpstreamFailure failure, const std::string& detail) {
  closed_ = true;
  timer_->Stop();
  std::vector<AttemptId> lost;
  for (const auto& [attempt, pending] : pending_) {
    if (pending->wanted) lost.push_back(attempt);
  }
  wanted_ = 0;
  delegate_.OnConnectionClosed(*this, failure, /*graceful=*/false, detail, std::move(lost));
}

}  // namespace dotcache
