// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/upstream_server.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "core/log.h"
#include "upstream/pool/attempt_result.h"
#include "upstream/pool/loop_probe.h"

namespace dotcache {
namespace {

constexpr char kNoAnswer[] = "connected, but no query is answered";

}  // namespace

UpstreamServer::UpstreamServer(const Context& context, const UpstreamServerOptions& options,
                               int index, const DomainName& zone, UpstreamCounters& counters)
    : context_(context),
      options_(options),
      index_(index),
      counters_(counters),
      connections_(context.limits.tuning.max_connections_per_server),
      life_watch_({context.loop, context.limits, health_, connections_,
                   Question{zone.Canonical(), QType::kNs, QClass::kIn}, is_udp()},
                  [this](uint32_t number) { OnSilent(number); }),
      state_log_(context.loop, options_, context.quiet),
      probes_(
          {context.loop, health_, connections_, pacing_}, [this] { return MayProbe(); },
          [this] { return placer_.Open() != nullptr; }),
      placer_({context.loop, options_, context.limits, health_, pacing_, connections_,
               context.delegate, *this}),
      report_timer_(context.loop.NewTimer([this] { Report(); })) {
  counters_.certificate_expiry.Set(0);
  counters_.present.Set(absent() ? 0 : 1);
  counters_.up.Set(absent() ? 0 : 1);
}

UpstreamServer::~UpstreamServer() = default;

std::variant<AttemptPlace, UpstreamFailure> UpstreamServer::Send(const UpstreamQuery& query,
                                                                 AttemptId attempt,
                                                                 const SendMode& mode) {
  assert(context_.loop.InLoopThread());
  // Loop probes of other forwarders pass, so that they see whether the loop still exists.
  if (loops() && !ReadLoopProbeName(query.question.qname)) return UpstreamFailure::kLoop;
  if (absent() || taken_out_ || link_down_) return UpstreamFailure::kUnreachable;
  if (health_.down()) return health_.last_failure();
  auto sent = placer_.Place(query, attempt, mode);
  const AttemptPlace* place = std::get_if<AttemptPlace>(&sent);
  if (place != nullptr && place->connection == 0) AfterChange();
  return sent;
}

std::unique_ptr<Connection> UpstreamServer::Connect() {
  probes_.NoteTry();
  return context_.connector.Connect(options_, index_, *this);
}

AttemptPlace UpstreamServer::SendOn(ServerConnection& connection, const UpstreamQuery& query,
                                    AttemptId attempt) {
  probes_.NoteTry();
  counters_.queries.Add();
  AttemptPlace place{.connection = connection.number, .alone = connection.alone};
  place.sent = connection.connection->ready();
  if (place.sent) life_watch_.NoteSent(connection);
  place.edns = std::max(query.edns, edns_.UseAt(context_.loop.Now()));
  if (place.edns == query.edns) {
    place.ticket = connection.connection->Send(query, attempt);
  } else {
    UpstreamQuery with_less = query;
    with_less.edns = place.edns;
    place.ticket = connection.connection->Send(with_less, attempt);
  }
  counters_.in_flight.Add();
  return place;
}

// Attempts that wait for a place cannot have one. Reported in the next turn of the loop.
void UpstreamServer::FailWaiting() {
  const std::vector<AttemptId> waiting = placer_.TakeWaiting();
  unconnected_.insert(unconnected_.end(), waiting.begin(), waiting.end());
  if (!unconnected_.empty()) report_timer_->Start(Duration::zero());
}

void UpstreamServer::Report() {
  placer_.OnNextTurn();
  for (const AttemptId attempt : std::exchange(unconnected_, {})) {
    context_.delegate.OnAttemptResult(attempt, UpstreamFailure::kConnectFailed);
  }
  const std::vector<AttemptId> stalled = std::exchange(stalled_, {});
  if (!stalled.empty()) context_.delegate.OnAttemptsStalled(stalled, StallCause::kNetworkChange);
}

void UpstreamServer::Forget(AttemptId attempt, const AttemptPlace& place) {
  ServerConnection* connection = connections_.Find(place.connection);
  if (connection == nullptr) {
    placer_.Forget(attempt);
    return;
  }
  counters_.given_up.Add();
  connection->connection->Forget(place.ticket);
  if (connection->alone) {  // Its response may still do harm.
    TakeOut(*connection->connection);
  } else {
    CloseIfDrained(*connection);
  }
  placer_.GiveTurns();
  AfterChange();
}

void UpstreamServer::NoteAnsweredElsewhere(const AttemptPlace& place) {
  ServerConnection* connection = connections_.Find(place.connection);
  if (connection != nullptr) connection->connection->NoteAnsweredElsewhere(place.ticket);
}

std::optional<AttemptPlace> UpstreamServer::SendWithLessEdns(const UpstreamQuery& query,
                                                             AttemptId attempt,
                                                             const ResponseFacts& response,
                                                             const AttemptPlace& before) {
  const EdnsUse used = before.edns;
  if (const std::optional<EdnsUse> less = EdnsSupport::Lower(response, used)) {
    UpstreamQuery with_less = query;
    with_less.edns = *less;
    const auto sent = Send(with_less, attempt, {.alone = before.alone});
    const AttemptPlace* place = std::get_if<AttemptPlace>(&sent);
    return place == nullptr ? std::nullopt : std::make_optional(*place);
  }
  if (edns_.NoteResponse(response, used, context_.loop.Now()) && !context_.quiet) {
    Log(LogLevel::kWarn,
        used == EdnsUse::kNone ? "upstream server does not support EDNS: it is queried without"
                               : "upstream server rejects EDNS options: it is queried without",
        {{"provider", options_.provider}, {"address", options_.endpoint.ToString()}});
  }
  return std::nullopt;
}

Duration UpstreamServer::QueuedPatience() const {
  return std::min<Duration>(ConnectPacing::kPatience, context_.limits.tuning.max_attempt_timeout);
}

void UpstreamServer::OnAttemptLate(const AttemptPlace& place, Duration elapsed) {
  ServerConnection* connection = connections_.Find(place.connection);
  if (connection == nullptr) return;
  counters_.timeouts.Add();
  connection->connection->NoteOverdue(place.ticket);
  health_.OnSlow(std::min(elapsed, context_.loop.Now() - network_changed_));
  if (connection->alone && placer_.HasWaiting()) connection->connection->CloseSoon();
  placer_.NotePlaceFreed();
}

ServerStatus UpstreamServer::StatusAt(MonoTime now) const {
  ServerStatus status;
  if (absent() || taken_out_) {
    status.state = ServerState::kNoAddress;
    return status;
  }
  status.in_vain_since = probes_.in_vain_since();
  if (link_down_) {
    status.state = ServerState::kNoCarrier;
  } else if (loops()) {
    status.state = ServerState::kLoop;
  } else if (health_.down()) {
    status.state =
        now - status.in_vain_since > kDeadAfter ? ServerState::kDead : ServerState::kDown;
  } else if (health_.state() == UpstreamHealth::State::kOnTrial) {
    status.state = ServerState::kOnTrial;
  }
  if (health_.down()) {
    status.next_probe = health_.next_probe();
    status.probe_failed = pacing_.failed();
    status.rests = probes_.certificate_failed() && !pacing_.MayProbe(now, true);
    status.probing = connections_.HasConnecting() || connections_.HasTrial();
    status.may_probe = pacing_.MayProbe(now, probes_.certificate_failed());
  }
  const bool may_connect = pacing_.MayBegin(now) || connections_.CanTake();
  status.takes_from = may_connect ? now : pacing_.not_before();
  status.last_failure = health_.last_failure();
  status.probe_began = pacing_.begun();
  status.in_flight = connections_.in_flight() + static_cast<int>(placer_.waiting());
  const ServerConnection* connection = connections_.Pick();
  status.ready = connection != nullptr && connection->connection->ready();
  status.response_time = health_.response_time();
  status.slow_response_time = health_.slow_response_time();
  status.may_drop = connections_.MayDrop();
  status.is_v6 = options_.endpoint.is_v6();
  status.family_broken = !status.ready && context_.families.broken(status.is_v6);
  return status;
}

void UpstreamServer::Prepare() {
  if (draining_ || unusable() || health_.down()) return;
  if (pacing_.MayBegin(context_.loop.Now()) && connections_.Pick() == nullptr) placer_.Open();
}

void UpstreamServer::OnTrustChanged() {
  const bool was_in_use = !connections_.empty();
  probes_.NoteSign();  // A server that was dead is tried again.
  for (const ServerConnection& c : connections_.all()) c.connection->Drain();
  // A connection that is being opened with the former credentials is no evidence.
  if (!draining_ && !unusable() && (was_in_use || health_.down())) placer_.Open();
}

void UpstreamServer::OnNetworkChange(bool link_down) {
  assert(context_.loop.InLoopThread());
  const MonoTime now = context_.loop.Now();
  link_down_ = link_down;
  network_changed_ = now;
  probes_.NoteSign();  // A server that was dead is tried again.
  pacing_.Forget();
  health_.OnNetworkChange(now);
  for (ServerConnection& c : connections_.all()) {
    Connection& connection = *c.connection;
    if (!connection.ready() || connection.in_flight() == 0) {
      connection.CloseSoon();
      continue;
    }
    // The first packet over the new route may be the one that a query needs, so there is no trial.
    connection.GoSilent(now);
    LifeWatch::NoteWord(c);
    const std::vector<AttemptId> attempts = connection.attempts();
    stalled_.insert(stalled_.end(), attempts.begin(), attempts.end());
  }
  if (!stalled_.empty()) report_timer_->Start(Duration::zero());
  probes_.Now();
  if (link_down) FailWaiting();
  placer_.GiveTurns();
  AfterChange();
}

void UpstreamServer::Use(bool use) {
  if (std::exchange(taken_out_, !use) != use) return;
  counters_.taken_out.Set(taken_out_ ? 1 : 0);
  probes_.Now();
  if (taken_out_) {
    FailWaiting();
    for (const ServerConnection& c : connections_.all()) {
      c.connection->Drain();
      if (!c.connection->ready()) c.connection->CloseSoon();
    }
  }
  AfterChange();
}

void UpstreamServer::Drain() {
  draining_ = true;
  probes_.Stop();
  FailWaiting();
  for (ServerConnection& c : connections_.all()) CloseIfDrained(c);
}

void UpstreamServer::Retire() {
  counters_.in_flight.Set(0);
  counters_.open_connections.Set(0);
  retired_ = true;
  state_log_.Stop();
  Drain();
}

void UpstreamServer::OnConnectionReady(Connection& connection, bool resumed, Duration elapsed) {
  ServerConnection* ready = connections_.Find(connection);
  if (ready == nullptr) return;
  const MonoTime now = context_.loop.Now();
  pacing_.Forget();
  placer_.limit().Doubt();
  NoteCertificate(connection);
  if (!is_udp()) {  // UDP has no handshake.
    (resumed ? counters_.resumed_handshakes : counters_.full_handshakes).Add();
    counters_.handshake_time.Record(elapsed);
    context_.families.NoteReached(options_.endpoint.is_v6());
  }
  // A connection that was begun with former credentials is no evidence.
  health_.OnConnected(elapsed, /*proves_life=*/!is_udp() && !connection.draining(), now);
  const std::vector<AttemptId> sent = connection.attempts();
  for (size_t i = 0; i < sent.size(); ++i) life_watch_.NoteSent(*ready);
  if (health_.state() == UpstreamHealth::State::kUp) {
    probes_.NoteSign();
    state_log_.Note(health_, "");
  } else {
    life_watch_.BeginTrial(*ready);
  }
  CloseIfDrained(*ready);
  placer_.GiveTurns();
  AfterChange();
  for (const AttemptId attempt : sent) context_.delegate.OnAttemptSent(attempt);
}

void UpstreamServer::OnAttemptResult(Connection& connection, AttemptId attempt,
                                     AttemptResult result, Duration elapsed) {
  CountResult(result, counters_);
  if (!options_.is_secure()) ClearAuthenticData(result);
  if (IsFromServer(result)) {
    NoteWord(connection);
    NoteResponse(result, elapsed);
  }
  ServerConnection* found = connections_.Find(connection);
  if (found != nullptr && found->alone && !placer_.Reuse(*found, elapsed)) TakeOut(connection);
  found = connections_.Find(connection);
  if (found != nullptr) CloseIfDrained(*found);
  placer_.GiveTurns();
  AfterChange();
  context_.delegate.OnAttemptResult(attempt, std::move(result));
}

void UpstreamServer::OnLateResult(Connection& connection, const AttemptResult& result,
                                  Duration elapsed) {
  counters_.late.Add();
  NoteWord(connection);
  NoteResponse(result, elapsed);
}

void UpstreamServer::OnSignOfLife(Connection& connection) { NoteWord(connection); }

// The time of a query from before a change of the network is no response time.
void UpstreamServer::NoteResponse(const AttemptResult& result, Duration elapsed) {
  if (context_.loop.Now() - elapsed < network_changed_) return;
  if (IsUsable(result)) counters_.response_time.Record(elapsed);
  health_.OnResponse(elapsed, IsUsable(result), context_.loop.Now());
}

// A message came on the connection.
void UpstreamServer::NoteWord(const Connection& connection) {
  const bool was_up = health_.state() == UpstreamHealth::State::kUp;
  probes_.NoteSign();
  placer_.limit().NoteMessage(context_.loop.Now());
  if (!is_udp()) context_.families.NoteReached(options_.endpoint.is_v6());
  if (ServerConnection* found = connections_.Find(connection)) LifeWatch::NoteWord(*found);
  health_.OnAlive(context_.loop.Now());
  if (was_up) return;
  connections_.NoteAnswered();
  state_log_.Note(health_, "");
  placer_.GiveTurns();
  AfterChange();
}

void UpstreamServer::OnMismatch(Connection& connection, std::optional<AttemptId> attempt) {
  counters_.mismatched.Add();
  if (!attempt.has_value()) return;
  NoteWord(connection);  // It is wrong, but it is not silence.
  context_.delegate.OnAttemptDoubtful(*attempt);
}

void UpstreamServer::OnSilent(uint32_t number) {
  ServerConnection* silent = connections_.Find(number);
  if (silent == nullptr) return;
  const MonoTime now = context_.loop.Now();
  const bool trial = std::exchange(silent->trial, false);
  silent->connection->GoSilent(now);
  health_.OnSlow(now - std::max(silent->unanswered_since, network_changed_));
  const std::vector<AttemptId> stalled = silent->connection->attempts();
  const bool others_answer = connections_.HasHeardSince(silent->unanswered_since);
  if (!stalled.empty()) counters_.stalls.Add();
  if (trial) {
    if (stalled.empty()) silent->connection->CloseSoon();
    pacing_.NoteFailed(now);
    NoteFailure(UpstreamFailure::kTimeout, kNoAnswer);
  } else if (!others_answer) {
    health_.OnSilence();
    if (!connections_.HasConnecting() && MayProbe() && pacing_.MayBegin(now)) placer_.Open();
    probes_.Arm();
  }
  AfterChange();
  if (!stalled.empty()) context_.delegate.OnAttemptsStalled(stalled, StallCause::kSilence);
}

void UpstreamServer::OnConnectionClosed(Connection& connection, Connection::End end) {
  std::unique_ptr<Connection> closed = connections_.TakeOut(connection);
  if (closed == nullptr) return;
  const bool was_lost = end.failure == UpstreamFailure::kConnectionLost;
  NoteCertificate(connection);
  context_.loop.DeferDelete(std::move(closed));
  placer_.NoteEnding();
  if (connections_.ready() == 0) placer_.limit().Forget();
  counters_.failures.Add(end.lost.size() + end.not_sent.size());
  FailuresOf(UpstreamFailure::kConnectionLost, counters_).Add(end.lost.size());
  FailuresOf(was_lost ? UpstreamFailure::kConnectFailed : end.failure, counters_)
      .Add(end.not_sent.size());
  if (!end.graceful) {
    const bool refused = end.failure == UpstreamFailure::kConnectRefused ||
                         end.failure == UpstreamFailure::kTlsHandshake;
    if (refused && connections_.HasTalking()) placer_.limit().NoteRefused(connections_.ready());
    if (UpstreamFailurePhase(end.failure) == "tls") counters_.failed_handshakes.Add();
    if (!was_lost) {
      context_.families.NoteFailure(options_.endpoint.is_v6(), index_, end.failure);
      pacing_.NoteFailed(context_.loop.Now());
    }
    NoteFailure(end.failure, end.detail);
  }
  probes_.Arm();
  if (was_lost && !health_.down()) {
    placer_.GiveTurns();
  } else {
    FailWaiting();
  }
  AfterChange();
  const UpstreamFailure reason = was_lost ? UpstreamFailure::kConnectFailed : end.failure;
  for (const AttemptId attempt : end.not_sent) context_.delegate.OnAttemptResult(attempt, reason);
  const size_t others = end.lost.empty() ? 0 : end.lost.size() - 1;
  for (const AttemptId attempt : end.lost) {
    if (end.graceful) {  // It was closed here. None of the queries is the reason.
      context_.delegate.OnAttemptResult(attempt, UpstreamFailure::kConnectionLost);
    } else {
      context_.delegate.OnAttemptLost(attempt, others);
    }
  }
}

void UpstreamServer::CloseIfDrained(ServerConnection& connection) {
  if (draining_ && connection.connection->in_flight() == 0) connection.connection->CloseSoon();
}

void UpstreamServer::TakeOut(const Connection& connection) {
  std::unique_ptr<Connection> taken = connections_.TakeOut(connection);
  if (taken != nullptr) {
    context_.loop.DeferDelete(std::move(taken));
    placer_.NoteEnding();
  }
  probes_.Arm();  // It may have been the probe.
}

void UpstreamServer::NoteFailure(UpstreamFailure failure, absl::string_view cause) {
  const bool is_ours = failure == UpstreamFailure::kOutOfResources;
  // Without descriptors a slow connection counts, because no other can be had.
  const bool connected = is_ours ? connections_.ready() > 0 : connections_.HasTalking();
  last_failure_ = LastFailure{failure, std::string(cause), context_.loop.Now()};
  health_.OnFailure(failure, connected, context_.loop.Now(), context_.random);
  state_log_.Note(health_, cause);
  probes_.Arm();
}

void UpstreamServer::NoteCertificate(const Connection& connection) {
  const int64_t expiry = connection.certificate_expiry();
  if (expiry != 0 && !retired_) counters_.certificate_expiry.Set(static_cast<uint64_t>(expiry));
}

// Updates the gauges, and reports to the owner that the status may have changed.
void UpstreamServer::AfterChange() {
  if (!retired_) {
    counters_.in_flight.Set(static_cast<uint64_t>(connections_.in_flight()) + placer_.waiting());
    counters_.open_connections.Set(connections_.ready());
    counters_.up.Set(absent() || health_.down() ? 0 : 1);
  }
  context_.delegate.OnServerChanged(*this);
}

}  // namespace dotcache
