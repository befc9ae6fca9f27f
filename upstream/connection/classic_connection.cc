// SPDX-License-Identifier: Apache-2.0
#include "upstream/connection/classic_connection.h"

#include <array>
#include <cassert>
#include <tuple>
#include <utility>

#include "absl/random/uniform_int_distribution.h"
#include "dns/message_header.h"
#include "upstream/connection/connect_failure.h"

namespace dotcache {
namespace {

// So many wrong datagrams are an attack.
constexpr int kMaxForeignDatagrams = 16;
// A server that has sent a message does not listen any more if ICMP errors have ended so many
// queries since the latest one.
constexpr int kMaxRefused = 3;

}  // namespace

// A query that waits for its response: over UDP while it has a channel, else over TCP.
class ClassicConnection::Pending : public Deletable, public UdpChannel::Delegate {
 public:
  enum class Purpose : uint8_t { kAttempt, kOverdueAttempt, kForgottenAttempt, kSignOfLife };

  Pending(ClassicConnection& owner, const UpstreamQuery& the_query, AttemptId the_attempt,
          Purpose the_purpose)
      : query(the_query), attempt(the_attempt), purpose(the_purpose), owner_(owner) {}

  void OnDatagram(Bytes datagram) override { owner_.OnDatagram(*this, datagram); }
  void OnChannelError(StreamError error) override { owner_.OnChannelError(*this, error); }
  bool wanted() const { return purpose <= Purpose::kOverdueAttempt; }

  const UpstreamQuery query;
  const AttemptId attempt;
  Purpose purpose;
  AttemptTicket ticket = 0;
  uint16_t id = 0;
  MonoTime sent;
  MonoTime unwanted_since;  // Unless it is wanted.
  int foreign_datagrams = 0;
  bool sent_again = false;  // After an ICMP error.
  std::unique_ptr<UdpChannel> channel;
  std::optional<AttemptTicket> tcp_ticket;

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

AttemptTicket ClassicConnection::Send(const UpstreamQuery& query, AttemptId attempt) {
  assert(context_.loop.InLoopThread() && HasRoom());
  ++wanted_;
  places_.Take(query.client);
  return Open(std::make_unique<Pending>(*this, query, attempt, Pending::Purpose::kAttempt));
}

void ClassicConnection::AskForSignOfLife(const Question& question) {
  if (draining()) return;
  auto pending = std::make_unique<Pending>(*this, UpstreamQuery{question, false, false}, 0,
                                           Pending::Purpose::kSignOfLife);
  pending->unwanted_since = context_.loop.Now();
  Open(std::move(pending));
  if (!timer_->armed()) timer_->Start(context_.limits.tuning.max_attempt_timeout);
}

AttemptTicket ClassicConnection::Open(std::unique_ptr<Pending> pending) {
  MakePlace();
  const AttemptTicket ticket = ++last_ticket_;
  pending->ticket = ticket;
  SendFromNewPort(*pending);
  pending_[ticket] = std::move(pending);
  return ticket;
}

void ClassicConnection::SendFromNewPort(Pending& pending) {
  pending.sent = context_.loop.Now();
  auto channel =
      UdpChannel::Open(context_.loop, server_.endpoint, pending, context_.limits.outgoing);
  if (channel.ok()) {
    pending.channel = *std::move(channel);
    pending.id = absl::uniform_int_distribution<uint16_t>()(random_);
    std::array<uint8_t, kMaxUpstreamQuerySize> octets;
    const size_t size =
        BuildUpstreamQuery(pending.query, pending.id, {.padded = false, .ask_keepalive = false},
                           absl::MakeSpan(octets));
    pending.channel->Send(Bytes(octets.data(), size));
    if (pending.query.observed) [[unlikely]] {
      context_.observer->OnQuerySent({server_.endpoint, Transport::kUdp, pending.query.question,
                                      Bytes(octets.data(), size), pending.sent});
    }
    return;
  }
  if (absl::IsResourceExhausted(channel.status())) {
    without_socket_.push_back(pending.ticket);
  } else {
    no_route_ = std::string(channel.status().message());
  }
  timer_->Start(Duration::zero());
}

// Closes a socket if as many are open as may be. Its query has had its time.
void ClassicConnection::MakePlace() {
  if (static_cast<int>(pending_.size()) < context_.limits.tuning.max_sockets_per_connection) return;
  absl::flat_hash_map<uint64_t, int> overdue;  // By client.
  for (const auto& [ticket, pending] : pending_) {
    if (pending->purpose == Pending::Purpose::kOverdueAttempt) ++overdue[pending->query.client];
  }
  const auto rank = [&overdue](const Pending& pending) {
    const int share = pending.wanted() ? overdue.at(pending.query.client) : 0;
    return std::tuple(pending.wanted(), -share, pending.ticket);
  };
  Pending* oldest = nullptr;
  for (const auto& [ticket, pending] : pending_) {
    if (pending->purpose == Pending::Purpose::kAttempt ||
        pending->purpose == Pending::Purpose::kSignOfLife || pending->channel == nullptr) {
      continue;
    }
    if (oldest == nullptr || rank(*pending) < rank(*oldest)) oldest = pending.get();
  }
  if (oldest == nullptr) return;
  if (!oldest->wanted()) return Remove(oldest->ticket);
  context_.loop.DeferDelete(std::move(oldest->channel));
  evicted_.push_back(oldest->ticket);
  timer_->Start(Duration::zero());
}

void ClassicConnection::Forget(AttemptTicket ticket) {
  Pending& pending = *pending_.at(ticket);
  if (pending.channel == nullptr) {
    if (pending.tcp_ticket.has_value() && tcp_ != nullptr) tcp_->Forget(*pending.tcp_ticket);
    Remove(ticket);
  } else {
    CountOut(pending);
    pending.purpose = Pending::Purpose::kForgottenAttempt;
    pending.unwanted_since = context_.loop.Now();
    if (!timer_->armed()) timer_->Start(context_.limits.tuning.max_attempt_timeout);
  }
  CloseIfDrained();
}

void ClassicConnection::CountOut(const Pending& pending) {
  if (!pending.wanted()) return;
  --wanted_;
  if (pending.purpose == Pending::Purpose::kOverdueAttempt) {
    --overdue_;
  } else {
    places_.Leave(pending.query.client);
  }
}

void ClassicConnection::NoteOverdue(AttemptTicket ticket) {
  Pending& pending = *pending_.at(ticket);
  if (pending.tcp_ticket.has_value() && tcp_ != nullptr) tcp_->NoteOverdue(*pending.tcp_ticket);
  if (pending.purpose != Pending::Purpose::kAttempt) return;
  places_.Leave(pending.query.client);
  pending.purpose = Pending::Purpose::kOverdueAttempt;
  ++overdue_;
}

bool ClassicConnection::HasRoom() const {
  return !draining() && wanted_ - overdue_ < context_.limits.tuning.max_sockets_per_connection;
}

std::vector<AttemptId> ClassicConnection::attempts() const {
  std::vector<AttemptId> attempts;
  for (const auto& [ticket, pending] : pending_) {
    if (pending->wanted()) attempts.push_back(pending->attempt);
  }
  return attempts;
}

void ClassicConnection::Drain() {
  ChangeState(ConnectionState::kDraining);
  CloseIfDrained();
}

void ClassicConnection::CloseSoon() {
  ChangeState(ConnectionState::kDraining);
  ends_now_ = true;
  timer_->Start(Duration::zero());
}

void ClassicConnection::CloseIfDrained() {
  if (state() == ConnectionState::kDraining && wanted_ == 0) timer_->Start(Duration::zero());
}

void ClassicConnection::OnDatagram(Pending& pending, Bytes datagram) {
  // A query that was removed in this turn may still get a datagram.
  if (state() == ConnectionState::kClosed || !pending_.contains(pending.ticket)) return;
  if (datagram.size() < kHeaderSize || LoadU16(datagram.data()) != pending.id ||
      !BelongsToQuestion(datagram, pending.query.question)) {
    OnForeignDatagram(pending);
    return;
  }
  NoteReceived(context_.loop.Now());
  refused_ = 0;
  if (pending.query.observed) [[unlikely]] {
    context_.observer->OnResponse(
        {server_.endpoint, Transport::kUdp, pending.query.question, datagram, pending.sent});
  }
  // The rest of a truncated response is not used (RFC 2181 section 9).
  if (pending.wanted() && LoadHeader(datagram).Has(kFlagTc)) {
    AskOverTcp(pending);
    return;
  }
  EdnsInfo edns;
  AttemptResult result = JudgeResponse(datagram, pending.query.question, &edns);
  if (pending.wanted()) return Finish(pending.ticket, std::move(result));
  const bool late = pending.purpose == Pending::Purpose::kForgottenAttempt;
  const Duration elapsed = context_.loop.Now() - pending.sent;
  Remove(pending.ticket);
  if (late) {
    delegate_.OnLateResult(*this, result, elapsed);
  } else {
    delegate_.OnSignOfLife(*this);
  }
}

void ClassicConnection::OnForeignDatagram(Pending& pending) {
  const bool under_attack = ++pending.foreign_datagrams >= kMaxForeignDatagrams;
  const AttemptTicket ticket = pending.ticket;
  // Any host may send datagrams, so the server's own response may still come.
  delegate_.OnMismatch(*this, std::nullopt);
  if (!under_attack || !pending_.contains(ticket)) return;
  if (pending.wanted()) {
    AskOverTcp(pending);
  } else {
    Remove(ticket);
  }
}

// If the server does not listen, the other queries, which went to the same address, will not be
// answered either. It is a failure to connect, which only a query can discover.
void ClassicConnection::OnChannelError(Pending& pending, StreamError error) {
  if (state() == ConnectionState::kClosed || !pending_.contains(pending.ticket)) return;
  if (pending.purpose == Pending::Purpose::kForgottenAttempt) return Remove(pending.ticket);
  if (!std::exchange(pending.sent_again, true)) {
    context_.loop.DeferDelete(std::move(pending.channel));
    return SendFromNewPort(pending);
  }
  const bool has_answered = last_received() != MonoTime();
  if (has_answered && ++refused_ < kMaxRefused) {
    // It was sent, so it is not a failure to connect.
    if (pending.wanted()) return Finish(pending.ticket, UpstreamFailure::kConnectionLost);
    return Remove(pending.ticket);
  }
  Close(FailureToConnect(error), /*graceful=*/false, std::string(StreamErrorName(error)));
}

void ClassicConnection::AskOverTcp(Pending& pending) {
  context_.loop.DeferDelete(std::move(pending.channel));
  if (tcp_ == nullptr) {
    tcp_ = std::make_unique<StreamConnection>(
        StreamConnection::Context{context_.loop, context_.limits, context_.random, nullptr, nullptr,
                                  context_.habits, context_.observer},
        server_, static_cast<Connection::Delegate&>(*this));
  }
  if (tcp_->HasRoom()) {
    pending.tcp_ticket = tcp_->Send(pending.query, pending.ticket);
  } else {
    Finish(pending.ticket, UpstreamFailure::kOverloaded);
  }
}

// The ticket of an attempt is its id at the TCP connection.
void ClassicConnection::OnAttemptResult(Connection&, AttemptId ticket, AttemptResult result,
                                        Duration) {
  if (state() == ConnectionState::kClosed) return;
  NoteReceived(context_.loop.Now());
  Finish(static_cast<AttemptTicket>(ticket), std::move(result));
}

void ClassicConnection::OnLateResult(Connection&, const AttemptResult& result, Duration elapsed) {
  if (state() == ConnectionState::kClosed) return;
  NoteReceived(context_.loop.Now());
  delegate_.OnLateResult(*this, result, elapsed);
}

void ClassicConnection::OnMismatch(Connection&, std::optional<AttemptId> ticket) {
  if (state() == ConnectionState::kClosed) return;
  std::optional<AttemptId> attempt;
  if (ticket.has_value()) {
    const auto found = pending_.find(static_cast<AttemptTicket>(*ticket));
    if (found != pending_.end()) attempt = found->second->attempt;
  }
  delegate_.OnMismatch(*this, attempt);
}

// UDP goes on: a server may refuse TCP and answer over UDP what is small enough.
// Over UDP the query was sent and answered, so no attempt counts as not sent.
void ClassicConnection::OnConnectionClosed(Connection&, End end) {
  context_.loop.DeferDelete(std::move(tcp_));
  const UpstreamFailure as_sent =
      IsConnectFailure(end.failure) ? UpstreamFailure::kConnectionLost : end.failure;
  end.lost.insert(end.lost.end(), end.not_sent.begin(), end.not_sent.end());
  for (const AttemptId ticket : end.lost) {
    if (state() == ConnectionState::kClosed) return;
    Finish(static_cast<AttemptTicket>(ticket), as_sent);
  }
}

void ClassicConnection::Finish(AttemptTicket ticket, AttemptResult result) {
  const auto found = pending_.find(ticket);
  if (found == pending_.end() || !found->second->wanted()) return;
  const AttemptId attempt = found->second->attempt;
  const Duration elapsed = context_.loop.Now() - found->second->sent;
  Remove(ticket);
  CloseIfDrained();
  delegate_.OnAttemptResult(*this, attempt, std::move(result), elapsed);
}

// Through the loop, because this may be inside a callback of its channel.
void ClassicConnection::Remove(AttemptTicket ticket) {
  const auto found = pending_.find(ticket);
  CountOut(*found->second);
  context_.loop.DeferDelete(std::move(found->second));
  pending_.erase(found);
}

void ClassicConnection::OnTimer() {
  if (ends_now_) return Close(UpstreamFailure::kConnectionLost, true, "given up");
  if (!ready() && no_route_.empty()) FindRoute();
  if (!no_route_.empty()) return Close(UpstreamFailure::kUnreachable, false, no_route_);
  if (draining() && wanted_ == 0) {
    return Close(UpstreamFailure::kConnectionLost, true, "drained");
  }
  if (!ready()) {
    BecomeReady();
    delegate_.OnConnectionReady(*this, /*resumed=*/false, context_.loop.Now() - began_);
  }
  if (state() != ConnectionState::kClosed) ReportUnsent();
  if (state() != ConnectionState::kClosed) DropForgotten();
}

// Only the existence of a route can be known without a query.
void ClassicConnection::FindRoute() {
  const auto socket = ConnectUdp(server_.endpoint, context_.limits.outgoing);
  if (absl::IsUnavailable(socket.status())) no_route_ = std::string(socket.status().message());
}

void ClassicConnection::ReportUnsent() {
  for (const AttemptTicket ticket : std::exchange(without_socket_, {})) {
    Finish(ticket, UpstreamFailure::kOverloaded);
  }
  for (const AttemptTicket ticket : std::exchange(evicted_, {})) {
    Finish(ticket, UpstreamFailure::kTimeout);
  }
}

void ClassicConnection::DropForgotten() {
  const MonoTime now = context_.loop.Now();
  const Duration wait = context_.limits.tuning.max_attempt_timeout;
  MonoTime next = MonoTime::max();
  absl::erase_if(pending_, [&](const auto& entry) {
    if (entry.second->wanted()) return false;
    const MonoTime end = entry.second->unwanted_since + wait;
    if (end > now) next = std::min(next, end);
    return end <= now;
  });
  if (next != MonoTime::max() && !timer_->armed()) timer_->Start(next - now);
}

// The owner destroys this object, through the loop, inside the last call.
void ClassicConnection::Close(UpstreamFailure failure, bool graceful, const std::string& detail) {
  timer_->Stop();
  End end{.failure = failure, .graceful = graceful, .detail = detail, .lost = {}, .not_sent = {}};
  (IsConnectFailure(failure) ? end.not_sent : end.lost) = attempts();
  ChangeState(ConnectionState::kClosed);
  delegate_.OnConnectionClosed(*this, std::move(end));
}

}  // namespace dotcache
