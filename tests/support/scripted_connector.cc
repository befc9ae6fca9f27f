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
  wire.resize(writer.size());
  return wire;
}

AttemptResult Inspect(const WireMessage& wire, const Question& question) {
  auto inspected = InspectResponse(wire, question);
  if (const ResponseDefect* defect = std::get_if<ResponseDefect>(&inspected)) {
    return *defect == ResponseDefect::kNotAnAnswer ? UpstreamFailure::kNotAnAnswer
                                                   : UpstreamFailure::kMalformed;
  }
  ResponseFacts& facts = std::get<ResponseFacts>(inspected);
  if (facts.truncated) return UpstreamFailure::kTruncated;
  return UpstreamResponse{wire, std::move(facts)};
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

  void Send(const UpstreamQuery& query, AttemptId attempt) override {
    assert(HasRoom());
    Pending& pending = pending_[attempt];
    pending.query = query;
    ++wanted_;
    if (!ready_) return;
    timer_->Stop();
    Deliver(attempt, pending);
  }

  void Forget(AttemptId attempt) override {
    const auto found = pending_.find(attempt);
    if (found == pending_.end() || !found->second.wanted) return;
    found->second.wanted = false;
    if (--wanted_ == 0 && ready_) StartIdleTimer();
  }

  bool ready() const override { return ready_; }
  bool draining() const override { return closed_ || retired_; }
  bool HasRoom() const override {
    return !draining() && static_cast<int>(pending_.size()) <
                              connector_.limits_.tuning.max_in_flight_per_connection;
  }
  int in_flight() const override { return wanted_; }
  MonoTime last_received() const override { return last_received_; }

  void Retire() override {
    retired_ = true;
    if (ready_ && wanted_ == 0) timer_->Start(Duration::zero());
  }

  int index() const { return index_; }

  void Close(UpstreamFailure failure, const std::string& detail) {
    if (closed_) return;
    closed_ = true;
    timer_->Stop();
    std::vector<AttemptId> lost;
    for (const auto& [attempt, pending] : pending_) {
      if (pending.wanted) lost.push_back(attempt);
    }
    pending_.clear();
    Leave();
    const bool graceful = ready_ && lost.empty();
    delegate_.OnConnectionClosed(*this, failure, graceful, detail, std::move(lost));
  }

  bool BreakSilence(const Question& question, ScriptedReply reply) {
    for (auto& [attempt, pending] : pending_) {
      if (!ready_ || pending.timer != nullptr || !(pending.query.question == question)) continue;
      Schedule(attempt, pending, std::move(reply));
      return true;
    }
    return false;
  }

  void ReceiveMismatch() {
    last_received_ = connector_.loop_.Now();
    const auto wanted = std::find_if(pending_.begin(), pending_.end(),
                                     [](const auto& entry) { return entry.second.wanted; });
    delegate_.OnMismatch(*this,
                         wanted == pending_.end() ? std::nullopt : std::optional(wanted->first));
  }

 private:
  struct Pending {
    UpstreamQuery query;
    bool wanted = true;
    ScriptedReply reply;
    std::unique_ptr<Timer> timer;
  };

  void StartIdleTimer() {
    timer_->Start(retired_ ? Duration::zero() : Duration(connector_.limits_.idle_timeout));
  }

  void Leave() { std::erase(connector_.connections_, this); }

  void OnTimer() {
    if (ready_) {
      Close(UpstreamFailure::kConnectionLost, "idle");
      return;
    }
    const ScriptedServer& script = connector_.server(index_);
    if (times_out_ || script.connect_failure.has_value()) {
      Close(times_out_ ? UpstreamFailure::kConnectTimeout : *script.connect_failure, "scripted");
      return;
    }
    ready_ = true;
    if (wanted_ == 0) StartIdleTimer();
    for (auto& [attempt, pending] : pending_) Deliver(attempt, pending);
    delegate_.OnConnectionReady(*this, false, connector_.loop_.Now() - began_);
  }

  // The query reaches the server.
  void Deliver(AttemptId attempt, Pending& pending) {
    ScriptedServer& script = connector_.server(index_);
    ++script.queries;
    Schedule(attempt, pending, script.reply(pending.query));
  }

  void Schedule(AttemptId attempt, Pending& pending, ScriptedReply scheduled) {
    pending.reply = std::move(scheduled);
    const ScriptedReply& reply = pending.reply;
    if (!reply.message.has_value() && !reply.failure.has_value() && !reply.disconnect) return;
    pending.timer = connector_.loop_.NewTimer([this, attempt] { OnReply(attempt); });
    pending.timer->Start(reply.delay);
  }

  void OnReply(AttemptId attempt) {
    const auto found = pending_.find(attempt);
    if (found->second.reply.disconnect) {
      Close(UpstreamFailure::kConnectionLost, "scripted");
      return;
    }
    const Pending pending = std::move(found->second);
    pending_.erase(found);
    last_received_ = connector_.loop_.Now();
    if (!pending.wanted) {
      delegate_.OnUnwantedAnswer(*this);
      return;
    }
    if (--wanted_ == 0) StartIdleTimer();
    const ScriptedReply& reply = pending.reply;
    delegate_.OnAttemptResult(*this, attempt,
                              reply.failure.has_value()
                                  ? AttemptResult(*reply.failure)
                                  : Inspect(*reply.message, pending.query.question));
  }

  ScriptedConnector& connector_;
  const int index_;
  Delegate& delegate_;
  const MonoTime began_;
  bool ready_ = false;
  bool closed_ = false;
  bool retired_ = false;
  bool times_out_ = false;
  int wanted_ = 0;
  MonoTime last_received_;
  std::map<AttemptId, Pending> pending_;
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
    if (connection->index() == index && connection->ready()) {
      connection->Close(UpstreamFailure::kConnectionLost, "scripted");
    }
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
