// SPDX-License-Identifier: Apache-2.0
#include "tests/support/scripted_connector.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "dns/message_header.h"
#include "dns/message_writer.h"
#include "dns/response.h"

namespace dotcache {
namespace {

WireMessage Reply(const UpstreamQuery& query, Rcode rcode, bool with_address) {
  WireMessage wire(512);
  const uint16_t flags = static_cast<uint16_t>(kFlagQr | kFlagRd | kFlagRa |
                                               (static_cast<uint16_t>(rcode) & kRcodeMask));
  MessageWriter writer(MutableBytes(wire), MessageHeader{.flags = flags});
  const Question& question = query.question;
  writer.AddQuestion(question.qname, question.qtype, question.qclass);
  const uint8_t address[] = {192, 0, 2, 1};
  if (with_address) writer.AddAnswer(question.qname, QType::kA, 300, address);
  if (query.edns != EdnsUse::kNone) writer.AddOpt(OptToWrite(), wire.size());
  wire.resize(writer.size());
  return wire;
}

}  // namespace

ScriptedReply ScriptedReply::Message(WireMessage wire, Duration delay) {
  return {.message = std::move(wire), .delay = delay};
}

ScriptedReply ScriptedReply::Failure(UpstreamFailure failure, Duration delay) {
  return {.failure = failure, .delay = delay};
}

ScriptedReply ScriptedReply::Disconnect(Duration delay) {
  return {.disconnect = true, .delay = delay};
}

WireMessage ScriptedAnswer(const UpstreamQuery& query) {
  return Reply(query, Rcode::kNoError, query.question.qtype == QType::kA);
}

WireMessage ScriptedError(const UpstreamQuery& query, Rcode rcode) {
  return Reply(query, rcode, false);
}

class ScriptedConnector::ScriptedConnection : public Connection {
 public:
  ScriptedConnection(ScriptedConnector& connector, int index, Delegate& delegate)
      : connector_(connector),
        index_(index),
        delegate_(delegate),
        began_(connector.loop_.Now()),
        timer_(connector.loop_.NewTimer([this] { OnTimer(); })) {
    connector_.connections_.push_back(this);
    const ScriptedServer& script = connector_.server(index_);
    const Duration limit = connector_.limits_.connect_timeout;
    timer_->Start(std::min(script.handshake.value_or(limit), limit));
    times_out_ = !script.handshake.has_value() || *script.handshake > limit;
  }

  ~ScriptedConnection() override { Leave(); }

  AttemptTicket Send(const UpstreamQuery& query, AttemptId attempt) override {
    assert(HasRoom());
    Pending& pending = pending_[++last_ticket_];
    pending.query = query;
    pending.attempt = attempt;
    pending.sent = connector_.loop_.Now();
    ++wanted_;
    if (ready()) {
      timer_->Stop();
      Deliver(last_ticket_, pending);
    }
    return last_ticket_;
  }

  void Forget(AttemptTicket ticket) override {
    Pending& pending = pending_.at(ticket);
    CountOut(pending);
    pending.purpose = Purpose::kForgotten;
    WhenIdle();
  }

  void NoteOverdue(AttemptTicket ticket) override {
    pending_.at(ticket).purpose = Purpose::kOverdue;
    ++overdue_;
  }

  void AskForSignOfLife(const Question& question) override {
    if (!ready()) return;
    Pending& pending = pending_[++last_ticket_];
    pending.query.question = question;
    pending.purpose = Purpose::kSignOfLife;
    ScriptedServer& script = connector_.server(index_);
    ++script.life_questions;
    const auto& reply = script.life_reply != nullptr ? script.life_reply : script.reply;
    Schedule(last_ticket_, pending, reply(pending.query));
  }

  bool HasRoom() const override {
    return !draining() &&
           wanted_ - overdue_ < connector_.limits_.tuning.max_in_flight_per_connection;
  }
  PlacesInUse places(uint64_t client) const override {
    PlacesInUse used{wanted_ - overdue_, 0};
    for (const auto& [ticket, pending] : pending_) {
      used.of_client += pending.purpose == Purpose::kAttempt && pending.query.client == client;
    }
    return used;
  }
  int in_flight() const override { return wanted_; }
  std::vector<AttemptId> attempts() const override {
    std::vector<AttemptId> attempts;
    for (const auto& [ticket, pending] : pending_) {
      if (pending.wanted()) attempts.push_back(pending.attempt);
    }
    return attempts;
  }

  void Drain() override {
    ChangeState(ConnectionState::kDraining);
    WhenIdle();
  }
  void CloseSoon() override {
    ChangeState(ConnectionState::kDraining);
    ends_now_ = true;
    timer_->Start(Duration::zero());
  }

  int index() const { return index_; }

  void Close(UpstreamFailure failure, bool graceful, const std::string& detail) {
    if (state() == ConnectionState::kClosed) return;
    timer_->Stop();
    End end{.failure = failure, .graceful = graceful, .detail = detail, .lost = {}, .not_sent = {}};
    (ready() ? end.lost : end.not_sent) = attempts();
    ChangeState(ConnectionState::kClosed);
    pending_.clear();
    Leave();
    delegate_.OnConnectionClosed(*this, std::move(end));
  }
  void Disconnect() { Close(UpstreamFailure::kConnectionLost, wanted_ == 0, "scripted"); }

  bool BreakSilence(const Question& question, ScriptedReply reply) {
    for (auto& [ticket, pending] : pending_) {
      if (!ready() || pending.timer != nullptr || !(pending.query.question == question)) continue;
      Schedule(ticket, pending, std::move(reply));
      return true;
    }
    return false;
  }

  void ReceiveMismatch() {
    NoteReceived(connector_.loop_.Now());
    const std::vector<AttemptId> wanted = attempts();
    delegate_.OnMismatch(*this, wanted.empty() ? std::nullopt : std::optional(wanted.front()));
  }

 private:
  enum class Purpose { kAttempt, kOverdue, kForgotten, kSignOfLife };
  struct Pending {
    UpstreamQuery query;
    AttemptId attempt = 0;
    Purpose purpose = Purpose::kAttempt;
    MonoTime sent;
    bool wanted() const { return purpose <= Purpose::kOverdue; }
    ScriptedReply reply;
    std::unique_ptr<Timer> timer;
  };

  void CountOut(const Pending& pending) {
    if (!pending.wanted()) return;
    --wanted_;
    if (pending.purpose == Purpose::kOverdue) --overdue_;
  }

  void WhenIdle() {
    if (!ready() || wanted_ > 0) return;
    timer_->Start(draining() ? Duration::zero() : Duration(connector_.limits_.idle_timeout));
  }

  void Leave() { std::erase(connector_.connections_, this); }

  void OnTimer() {
    if (ends_now_ || ready()) {
      Close(UpstreamFailure::kConnectionLost, true, "idle");
      return;
    }
    const ScriptedServer& script = connector_.server(index_);
    if (times_out_ || script.connect_failure.has_value()) {
      Close(times_out_ ? UpstreamFailure::kConnectTimeout : *script.connect_failure, false,
            "scripted");
      return;
    }
    BecomeReady();
    WhenIdle();
    for (auto& [ticket, pending] : pending_) {
      pending.sent = connector_.loop_.Now();
      Deliver(ticket, pending);
    }
    delegate_.OnConnectionReady(*this, false, connector_.loop_.Now() - began_);
  }

  // The query reaches the server.
  void Deliver(AttemptTicket ticket, Pending& pending) {
    ScriptedServer& script = connector_.server(index_);
    ++script.queries;
    Schedule(ticket, pending, script.reply(pending.query));
  }

  void Schedule(AttemptTicket ticket, Pending& pending, ScriptedReply scheduled) {
    pending.reply = std::move(scheduled);
    const ScriptedReply& reply = pending.reply;
    if (!reply.message.has_value() && !reply.failure.has_value() && !reply.disconnect) return;
    pending.timer = connector_.loop_.NewTimer([this, ticket] { OnReply(ticket); });
    pending.timer->Start(reply.delay);
  }

  void OnReply(AttemptTicket ticket) {
    const auto found = pending_.find(ticket);
    if (found->second.reply.disconnect) {
      Disconnect();
      return;
    }
    const Pending pending = std::move(found->second);
    pending_.erase(found);
    NoteReceived(connector_.loop_.Now());
    EdnsInfo edns;
    AttemptResult result =
        pending.reply.failure.has_value()
            ? AttemptResult(*pending.reply.failure)
            : JudgeResponse(*pending.reply.message, pending.query.question, &edns);
    const Duration elapsed = connector_.loop_.Now() - pending.sent;
    CountOut(pending);
    WhenIdle();
    if (pending.purpose == Purpose::kSignOfLife) {
      delegate_.OnSignOfLife(*this);
    } else if (pending.purpose == Purpose::kForgotten) {
      delegate_.OnLateResult(*this, result, elapsed);
    } else {
      delegate_.OnAttemptResult(*this, pending.attempt, std::move(result), elapsed);
    }
  }

  ScriptedConnector& connector_;
  const int index_;
  Delegate& delegate_;
  const MonoTime began_;
  bool times_out_ = false;
  bool ends_now_ = false;
  int wanted_ = 0;
  int overdue_ = 0;
  AttemptTicket last_ticket_ = 0;
  std::map<AttemptTicket, Pending> pending_;
  std::unique_ptr<Timer> timer_;  // For the end of the handshake, then for the idle timeout.
};

ScriptedConnector::ScriptedConnector(EventLoop& loop, UpstreamLimits limits)
    : loop_(loop), limits_(limits) {}

ScriptedConnector::~ScriptedConnector() = default;

int ScriptedConnector::open_connections(int index) const {
  return static_cast<int>(
      std::count_if(connections_.begin(), connections_.end(),
                    [index](const ScriptedConnection* c) { return c->index() == index; }));
}

void ScriptedConnector::Disconnect(int index) {
  const std::vector<ScriptedConnection*> connections = connections_;
  for (ScriptedConnection* connection : connections) {
    if (connection->index() == index && connection->ready()) connection->Disconnect();
  }
}

bool ScriptedConnector::BreakSilence(int index, const Question& question, ScriptedReply reply) {
  return std::any_of(connections_.begin(), connections_.end(), [&](ScriptedConnection* c) {
    return c->index() == index && c->BreakSilence(question, reply);
  });
}

void ScriptedConnector::SendMismatch(int index) {
  for (ScriptedConnection* connection : connections_) {
    if (connection->index() == index && connection->ready()) connection->ReceiveMismatch();
  }
}

std::unique_ptr<Connection> ScriptedConnector::Connect(const UpstreamServerOptions& options,
                                                       int server_index,
                                                       Connection::Delegate& delegate) {
  ++server(server_index).connects;
  server(server_index).latest_endpoint = options.endpoint;
  return std::make_unique<ScriptedConnection>(*this, server_index, delegate);
}

}  // namespace dotcache
