// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/upstream_server.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "upstream/pool/attempt_result.h"
#include "upstream/pool/loop_probe.h"

namespace dotcache {
namespace {

// Responses that take so much longer than at best, and twice as long, queue.
constexpr Duration kMinQueueing = Milliseconds(1);
// Queries on a silent connection are given up after this where a new one needs its place: a server
// that has become slow may answer them late.
constexpr Duration kMaxLateness = Seconds(1);
constexpr char kNoAnswer[] = "connected, but no query is answered";

}  // namespace

UpstreamServer::UpstreamServer(const Context& context, const UpstreamServerOptions& options,
                               int index, UpstreamCounters& counters, ProbeGate& probe_gate)
    : context_(context),
      options_(options),
      index_(index),
      counters_(counters),
      pacing_(probe_gate),
      state_log_(options_, probe_gate, context.quiet),
      links_(context.limits.tuning.max_connections_per_server),
      stall_watch_(context.loop, context.limits, health_, links_,
                   [this](const auto& stalls) { OnStall(stalls); }),
      probe_timer_(context.loop.NewTimer([this] { OnProbeDue(); })),
      reports_(context.loop, [this](const auto& batch) { Report(batch); }) {
  counters_.present.Set(absent() ? 0 : 1);
  counters_.up.Set(absent() ? 0 : 1);
}

UpstreamServer::~UpstreamServer() = default;

std::optional<UpstreamFailure> UpstreamServer::Send(const UpstreamQuery& query, AttemptId attempt,
                                                    SendMode mode) {
  assert(context_.loop.InLoopThread());
  if (absent()) return UpstreamFailure::kUnreachable;
  // Probes of others pass, so that they see whether the loop is still there.
  if (loops() && !ReadLoopProbeName(query.question.qname)) return UpstreamFailure::kLoop;
  if (link_down_) return UpstreamFailure::kUnreachable;
  if (down() && !mode.last_resort && !(mode.with_probe && MayGoWithProbe())) {
    return health_.last_failure();
  }
  if (mode.alone && attempts_.MayWait()) return SendAlone(query, attempt);
  Connection* connection = links_.Pick(mode.fresh);
  if (connection != nullptr && IsQueueing(*connection)) Open();  // For those to come.
  const MonoTime now = context_.loop.Now();
  if (connection == nullptr && MayOpen(mode)) connection = Open();
  if (connection == nullptr && mode.fresh) connection = links_.Pick(false);
  const bool may_be_slow = !down() && pacing_.MayBegin(now) && !links_.HasTalking();
  if (connection == nullptr && may_be_slow) connection = links_.PickSilent();
  const bool may_connect = !down() && pacing_.MayBegin(now);
  if (connection == nullptr && !may_connect) return health_.last_failure();
  if (connection == nullptr) return UpstreamFailure::kOverloaded;
  SendOn(*connection, query, attempt);
  if (mode.with_probe && !connection->ready()) attempts_.Find(attempt)->sent = pacing_.begun();
  return std::nullopt;
}

// One that is long under way is in vain.
bool UpstreamServer::MayGoWithProbe() const {
  return links_.HasConnecting() && pacing_.HasJustBegun(context_.loop.Now());
}

bool UpstreamServer::MayOpen(SendMode mode) const {
  const MonoTime now = context_.loop.Now();
  if (down() && !mode.last_resort) return false;
  // A certificate does not become good in a moment: the probes are enough.
  if (down() && IsAboutCertificate(health_.last_failure())) return false;
  return pacing_.MayBegin(now) || (mode.last_resort && pacing_.MayBeginLastResort(now));
}

// True when queries wait for one another on all connections, and one more may help. Over UDP none
// waits for another.
bool UpstreamServer::IsQueueing(const Connection& connection) {
  if (!connection.ready() || connection.in_flight() < UpstreamLinks::kCrowded) return false;
  if (options_.transport == Transport::kUdp || links_.HasConnecting()) return false;
  if (!pacing_.MayBegin(context_.loop.Now()) || !links_.HasRoom()) return false;
  const Duration queueing = health_.queueing_time();
  return queueing > kMinQueueing && queueing > *health_.response_time() / 2;
}

void UpstreamServer::SendOn(Connection& connection, const UpstreamQuery& query, AttemptId attempt) {
  attempts_.Add(attempt, connection, context_.loop.Now());
  NoteTry();
  connection.Send(query, attempt);
  if (connection.ready()) stall_watch_.NoteSent(links_.Of(connection));
  counters_.queries.Add();
  UpdateGauges();
}

std::optional<UpstreamFailure> UpstreamServer::SendAlone(const UpstreamQuery& query,
                                                         AttemptId attempt) {
  if (!pacing_.MayBegin(context_.loop.Now())) return UpstreamFailure::kOverloaded;
  if (!attempts_.has_waiting() && links_.alone() < kMaxAlone) {
    SendOn(*Open(/*alone=*/true), query, attempt);
  } else {
    attempts_.AddWaiting(attempt, query, context_.loop.Now());
    UpdateGauges();
  }
  return std::nullopt;
}

void UpstreamServer::GiveTurns() {
  if (down() || draining_ || link_down_) return;
  while (attempts_.has_waiting() && links_.alone() < kMaxAlone) {
    const auto [attempt, query] = attempts_.TakeFirstWaiting();
    SendOn(*Open(/*alone=*/true), query, attempt);
  }
}

// Its attempt was answered after so long: it takes the next one's, or is one connection among the
// others.
void UpstreamServer::ReleaseAlone(Connection& connection, Duration elapsed) {
  const UpstreamLink* link = links_.Find(connection);
  if (link == nullptr || !link->alone) return;
  if (attempts_.has_waiting() && connection.HasRoom()) {
    const auto [attempt, query] = attempts_.TakeFirstWaiting();
    SendOn(connection, query, attempt);
    return;
  }
  // Others that have been silent for longer are not slow but lost.
  if (MakeRoom(elapsed)) {
    links_.Of(connection).alone = false;  // Room was made by taking out another.
  } else {
    TakeOut(connection);
    GiveTurns();
  }
}

void UpstreamServer::Forget(AttemptId attempt) {
  reports_.Forget(attempt);
  const AttemptTable::Attempt* found = attempts_.Find(attempt);
  if (found == nullptr) return;
  Connection* connection = found->connection;
  attempts_.Erase(attempt);
  if (connection != nullptr) {
    connection->Forget(attempt);
    if (links_.Of(*connection).alone) {  // Its answer may yet do harm.
      TakeOut(*connection);
      GiveTurns();
    } else {
      CloseIfDrained(*connection);
    }
  }
  UpdateGauges();
}

Duration UpstreamServer::Patience(AttemptId attempt) const {
  const AttemptTable::Attempt* found = attempts_.Find(attempt);
  if (found == nullptr) return Duration::zero();
  const Duration patience = !IsQueued(attempt)
                                ? health_.AttemptTimeout(context_.limits)
                                : std::min<Duration>(ConnectPacing::kPatience,
                                                     context_.limits.tuning.max_attempt_timeout);
  return found->sent + patience - context_.loop.Now();
}

bool UpstreamServer::IsQueued(AttemptId attempt) const {
  const AttemptTable::Attempt* found = attempts_.Find(attempt);
  if (found == nullptr) return false;
  const Connection* connection = found->connection;
  return connection == nullptr || !connection->ready();
}

void UpstreamServer::NoteWord(const Connection& connection) {
  last_sign_ = context_.loop.Now();
  if (options_.transport != Transport::kUdp) {
    context_.families.NoteReached(options_.endpoint.is_v6());
  }
  UpstreamLink* link = links_.Find(connection);
  if (link != nullptr) StallWatch::NoteWord(*link);  // Else taken out in this very turn.
}

void UpstreamServer::OnStall(const std::vector<StallWatch::Stall>& stalls) {
  std::vector<AttemptId> stalled;
  for (const StallWatch::Stall& stall : stalls) {
    health_.OnSlow(stall.silence);
    const std::vector<AttemptId> carried = attempts_.Of(*stall.connection);
    stalled.insert(stalled.end(), carried.begin(), carried.end());
  }
  // In a flood of names that nobody answers, they have had their chance.
  if (stalled.size() > static_cast<size_t>(context_.limits.tuning.max_in_flight_per_connection)) {
    std::erase_if(stalled, [this](AttemptId id) { return attempts_.Find(id)->timed_out; });
  }
  counters_.stalls.Add(stalls.size());
  health_.OnStall();
  // One query was to show whether it answers.
  if (health_.was_down()) NoteFailure(UpstreamFailure::kTimeout, kNoAnswer);
  if (!stalled.empty()) context_.delegate.OnStall(stalled);
}

void UpstreamServer::OnAttemptTimeout(AttemptId attempt) {
  AttemptTable::Attempt* found = attempts_.Find(attempt);
  if (found == nullptr || IsQueued(attempt)) return;  // The connect timeout is in charge.
  Connection& connection = *found->connection;
  counters_.timeouts.Add();
  connection.NoteOverdue(attempt);
  found->timed_out = true;
  const MonoTime sent = found->sent;
  health_.OnSlow(context_.loop.Now() - std::max(sent, network_changed_));
  if (links_.Of(connection).alone && attempts_.has_waiting()) connection.CloseSoon();
  if (connection.last_received() > sent) return;
  UpstreamLink& link = links_.Of(connection);
  if (!link.silent()) {  // Else it is the same silence.
    link.silence_noted = false;
    link.silent_since = sent;
  }
  NoteSilence(link);
}

// One silence is one failure, however many queries share it: three slow names asked at once are no
// evidence against the server.
void UpstreamServer::NoteSilence(UpstreamLink& link) {
  if (link.alone && links_.HasTalking()) return;
  if (std::exchange(link.silence_noted, true)) return;
  NoteFailure(UpstreamFailure::kTimeout, kNoAnswer);
}

bool UpstreamServer::IsStalled(AttemptId attempt) const {
  const AttemptTable::Attempt* found = attempts_.Find(attempt);
  if (found == nullptr) return true;
  // A datagram may be lost while others arrive; on a stream only all are late.
  if (found->timed_out && options_.transport == Transport::kUdp) return true;
  const Connection* connection = found->connection;
  return connection != nullptr && links_.IsSilent(*connection);
}

void UpstreamServer::Prepare() {
  if (draining_ || link_down_ || down() || loops()) return;
  if (!pacing_.MayBegin(context_.loop.Now())) return;
  if (links_.Pick(false) == nullptr) Open();
}

void UpstreamServer::ProbeNow() {
  if (draining_ || absent() || link_down_ || !down() || links_.HasConnecting()) return;
  if (Open() == nullptr) probe_timer_->Start(ConnectPacing::kInterval);
}

void UpstreamServer::ProbeEverySecond() {
  if (down() && pacing_.IsProbeDue(context_.loop.Now())) OnProbeDue();
}

void UpstreamServer::ProbeOnDemand() {
  const bool is_slow = down() && IsAboutCertificate(health_.last_failure());
  if (!is_slow || pacing_.IsCertificateProbeDue(context_.loop.Now())) ProbeEverySecond();
}

bool UpstreamServer::WasTriedInVain(MonoTime since) const {
  const MonoTime now = context_.loop.Now();
  if (!down() || now - in_vain_since() <= kDeadAfter) return false;
  const bool rests =
      IsAboutCertificate(health_.last_failure()) && !pacing_.IsCertificateProbeDue(now);
  return rests || pacing_.HasFailedSince(since);
}

void UpstreamServer::OnTrustChanged() {
  const bool was_in_use = !links_.all().empty();
  last_sign_ = context_.loop.Now();  // What was known to be dead is asked again.
  for (const UpstreamLink& link : links_.all()) link.connection->Retire();
  // What is being opened with what was before says nothing of what is now: it is not waited for.
  if (!draining_ && !unusable() && (was_in_use || down())) Open();
}

void UpstreamServer::OnNetworkChange(bool link_down) {
  assert(context_.loop.InLoopThread());
  link_down_ = link_down;
  network_changed_ = context_.loop.Now();
  pacing_.Forget();
  last_sign_ = context_.loop.Now();  // What was known to be dead is asked again.
  health_.OnNetworkChange(context_.loop.Now());
  for (std::unique_ptr<Connection>& given_up : links_.OnNetworkChange(context_.loop.Now())) {
    reports_.AddUnconnected(attempts_.TakeOf(*given_up));
    context_.loop.DeferDelete(std::move(given_up));
  }
  reports_.SetDistrusted(attempts_.Hopeful());
  if (link_down) reports_.AddUnconnected(attempts_.TakeWaiting());
  ProbeNow();
  GiveTurns();
  UpdateGauges();
}

void UpstreamServer::Drain() {
  draining_ = true;
  probe_timer_->Stop();
  std::vector<Connection*> connections;
  for (const UpstreamLink& link : links_.all()) connections.push_back(link.connection.get());
  for (Connection* connection : connections) CloseIfDrained(*connection);
  UpdateGauges();
}

void UpstreamServer::Retire() {
  counters_.in_flight.Set(0);
  counters_.open_connections.Set(0);
  retired_ = true;
  reports_.AddUnconnected(attempts_.TakeWaiting());
  Drain();
}

ServerSnapshot UpstreamServer::Snapshot() const {
  ServerSnapshot snapshot;
  if (absent()) {
    snapshot.absent = true;
    snapshot.up = false;
    return snapshot;
  }
  snapshot.in_flight = static_cast<int>(attempts_.size());
  const bool on_trial = health_.state() == UpstreamHealth::State::kProbation;
  snapshot.up = !loops() && !down() && !link_down_ && !(on_trial && links_.HasHopeful());
  if (down()) snapshot.next_probe = health_.next_probe();
  const Connection* connection = links_.Pick(false);
  snapshot.ready = connection != nullptr && connection->ready();
  snapshot.response_time = health_.response_time();
  snapshot.is_v6 = options_.endpoint.is_v6();
  // Who is connected is not concerned.
  snapshot.family_broken = !snapshot.ready && context_.families.broken(snapshot.is_v6);
  return snapshot;
}

void UpstreamServer::OnConnectionReady(Connection& connection, bool resumed, Duration elapsed) {
  if (options_.transport != Transport::kUdp) {  // Which has no handshake.
    (resumed ? counters_.resumed_handshakes : counters_.full_handshakes).Add();
    counters_.handshake_time.Record(elapsed);
  }
  const MonoTime now = context_.loop.Now();
  pacing_.Forget();
  if (down()) found_at_ = now;
  for (size_t sent = attempts_.NoteReady(connection, now); sent > 0; --sent) {
    stall_watch_.NoteSent(links_.Of(connection));
  }
  if (options_.transport == Transport::kUdp) {
    health_.OnWayFound();
  } else {
    health_.OnConnected(elapsed, now);
    context_.families.NoteReached(options_.endpoint.is_v6());
  }
  // No sign of life while it takes connections, but has to answer.
  if (health_.state() == UpstreamHealth::State::kUp) last_sign_ = now;
  NoteStateChange("");
  GiveTurns();
  UpdateGauges();
  if (draining_) {
    CloseIfDrained(connection);
  } else {
    context_.delegate.OnServerReady(*this);
  }
}

void UpstreamServer::OnAttemptResult(Connection& connection, AttemptId attempt,
                                     AttemptResult result) {
  const AttemptTable::Attempt* found = attempts_.Find(attempt);
  if (found == nullptr) return;
  const MonoTime now = context_.loop.Now();
  const bool from_before = found->sent < network_changed_;
  const Duration elapsed = now - std::max(found->sent, network_changed_);
  attempts_.Erase(attempt);
  CountResult(result, elapsed, counters_);
  if (IsWord(result)) {
    NoteWord(connection);
    if (from_before) {
      health_.OnAlive(now);
    } else {
      health_.OnResponse(elapsed, IsUsable(result), now);
    }
    NoteStateChange("");
  }
  ReleaseAlone(connection, elapsed);
  CloseIfDrained(connection);
  UpdateGauges();
  context_.delegate.OnAttemptResult(attempt, std::move(result));
}

void UpstreamServer::OnUnwantedAnswer(Connection& connection) {
  NoteWord(connection);
  health_.OnAlive(context_.loop.Now());
  NoteStateChange("");
}

void UpstreamServer::OnMismatch(Connection& connection, std::optional<AttemptId> attempt) {
  counters_.mismatched.Add();
  if (!attempt.has_value()) return;
  NoteWord(connection);  // Nonsense, but no silence.
  context_.delegate.OnAttemptDoubtful(*attempt);
}

void UpstreamServer::OnConnectionClosed(Connection& connection, UpstreamFailure failure,
                                        bool graceful, const std::string& detail,
                                        std::vector<AttemptId> lost) {
  std::unique_ptr<Connection> closed = links_.TakeOut(connection);
  if (closed == nullptr) return;
  context_.loop.DeferDelete(std::move(closed));
  std::erase_if(lost, [this](AttemptId attempt) { return !attempts_.Erase(attempt); });
  counters_.failures.Add(lost.size());
  if (!graceful) {
    if (failure != UpstreamFailure::kConnectionLost) {
      counters_.failed_handshakes.Add();
      context_.families.NoteFailure(options_.endpoint.is_v6(), index_, failure);
      pacing_.NoteFailed(context_.loop.Now());
    }
    NoteFailure(failure, detail);
  }
  const size_t others = lost.empty() ? 0 : lost.size() - 1;
  const bool was_ready = failure == UpstreamFailure::kConnectionLost;
  if (was_ready && !down()) {
    GiveTurns();
  } else {  // Who waits for a turn would not be connected either.
    const std::vector<AttemptId> waiting = attempts_.TakeWaiting();
    lost.insert(lost.end(), waiting.begin(), waiting.end());
  }
  UpdateGauges();
  for (const AttemptId attempt : lost) {
    if (was_ready) {
      context_.delegate.OnAttemptLost(attempt, others);
    } else {
      context_.delegate.OnAttemptResult(attempt, failure);
    }
  }
}

Connection* UpstreamServer::Open(bool alone) {
  if (!alone && !MakeRoom(kMaxLateness)) return nullptr;
  pacing_.NoteBegun(context_.loop.Now());
  NoteTry();
  return links_.Add(context_.connector.Connect(options_, index_, *this), alone).connection.get();
}

bool UpstreamServer::CanOpen() const {
  return links_.HasRoom() || links_.HasSpare() ||
         links_.FindSilent(context_.loop.Now() - kMaxLateness) != nullptr;
}

bool UpstreamServer::MakeRoom(Duration lateness) {
  links_.LimitDraining();
  if (links_.HasRoom()) return true;
  const Connection* silent = links_.FindSilent(context_.loop.Now() - lateness);
  if (silent == nullptr) return links_.HasSpare();
  reports_.AddLost(attempts_.TakeOf(*silent));
  context_.loop.DeferDelete(links_.TakeOut(*silent));
  return true;
}

void UpstreamServer::Report(const DeferredReports::Batch& batch) {
  counters_.failures.Add(batch.lost.size() + batch.unconnected.size());
  for (const AttemptId attempt : batch.lost) context_.delegate.OnAttemptLost(attempt, 0);
  for (const AttemptId attempt : batch.unconnected) {
    context_.delegate.OnAttemptResult(attempt, UpstreamFailure::kConnectFailed);
  }
  if (!batch.distrusted.empty()) context_.delegate.OnStall(batch.distrusted);
}

void UpstreamServer::CloseIfDrained(Connection& connection) {
  if (draining_ && connection.in_flight() == 0) TakeOut(connection);
}

// Nothing happens where it was closed in this very turn.
void UpstreamServer::TakeOut(Connection& connection) {
  std::unique_ptr<Connection> taken = links_.TakeOut(connection);
  if (taken != nullptr) context_.loop.DeferDelete(std::move(taken));
}

MonoTime UpstreamServer::in_vain_since() const {
  return in_vain_since_ > last_sign_ ? in_vain_since_ : context_.loop.Now();
}

bool UpstreamServer::IsUntried() const {
  return attempts_.size() == 0 && tried_at_ <= found_at_ &&
         context_.loop.Now() - found_at_ > kDeadAfter;
}

void UpstreamServer::NoteTry() {
  tried_at_ = context_.loop.Now();
  if (in_vain_since_ <= last_sign_) in_vain_since_ = context_.loop.Now();
}

void UpstreamServer::OnProbeDue() {
  if (draining_ || absent() || link_down_ || !down()) return;
  // What is being opened may be forgotten before it tells anything.
  if (links_.HasConnecting() || !CanOpen() ||
      !pacing_.TakeTurn(last_failure_at_, context_.loop.Now()) || Open() == nullptr) {
    probe_timer_->Start(ConnectPacing::kInterval);
  }
}

void UpstreamServer::NoteFailure(UpstreamFailure failure, absl::string_view cause) {
  last_failure_at_ = context_.loop.Now();
  const bool is_ours = failure == UpstreamFailure::kOutOfResources;
  const bool was_tried = !is_ours && (IsConnectFailure(failure) || (!down() && health_.was_down()));
  // A slow connection is one, too, where no other can be had for want of descriptors.
  const bool connected = is_ours ? links_.ready() > 0 : links_.HasTalking();
  health_.OnFailure(failure, connected, last_failure_at_, context_.random);
  if (was_tried && down() && !retired_) pacing_.TellFailed(last_failure_at_);
  if (down() && !draining_) probe_timer_->Start(health_.next_probe() - context_.loop.Now());
  NoteStateChange(cause);
}

void UpstreamServer::NoteStateChange(absl::string_view cause) {
  if (retired_ || !state_log_.Note(health_, cause)) return;
  counters_.up.Set(state_log_.told_up() ? 1 : 0);
  if (state_log_.told_up()) pacing_.TellUp(context_.loop.Now());
  if (down()) context_.delegate.OnServerDown();
}

void UpstreamServer::UpdateGauges() {
  if (retired_) return;
  counters_.in_flight.Set(attempts_.size());
  counters_.open_connections.Set(links_.ready());
}

}  // namespace dotcache
