#include "upstream/upstream_server.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "upstream/attempt_result.h"
#include "upstream/loop_probe.h"

namespace dotcache {
namespace {

// After this a query that waits for a handshake asks the next server; the handshake goes on.
constexpr Duration kConnectPatience = Milliseconds(250);
constexpr Duration kConnectInterval = Milliseconds(500);
constexpr Duration kLastResortInterval = Milliseconds(100);
// Responses that take so much longer than at best, and twice as long, queue.
constexpr Duration kMinQueueing = Milliseconds(1);
// Queries on a silent connection are given up after this where a new one needs its place: a server
// that has become slow may answer them late.
constexpr Duration kMaxLateness = Seconds(1);
constexpr char kNoAnswer[] = "connected, but no query is answered";
// To go alone. At the limit the others share: it is servers that fail then, and not because of one
// query.
constexpr size_t kMaxWaiting = 256;

}  // namespace

UpstreamServer::UpstreamServer(const Context& context, const UpstreamServerOptions& options,
                               int index, UpstreamCounters& counters, ProbeGate& probe_gate)
    : context_(context),
      options_(options),
      index_(index),
      counters_(counters),
      probe_gate_(probe_gate),
      state_log_(options_, context.log_state_changes),
      links_(context.limits.max_connections_per_server),
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
  if (mode.alone && waiting_.size() < kMaxWaiting) return SendAlone(query, attempt);
  Connection* connection = links_.Pick(mode.fresh);
  if (connection != nullptr && IsQueueing(*connection)) Open();  // For those to come.
  const MonoTime now = context_.loop.Now();
  if (connection == nullptr && MayOpen(mode)) connection = Open();
  if (connection == nullptr && mode.fresh) connection = links_.Pick(false);
  const bool may_connect = !down() && now >= no_connect_before_;
  if (connection == nullptr && !may_connect) return health_.last_failure();
  if (connection == nullptr) return UpstreamFailure::kOverloaded;
  SendOn(*connection, query, attempt);
  if (down() && mode.with_probe) attempts_[attempt].sent = last_connect_;
  return std::nullopt;
}

// One that is long under way is in vain.
bool UpstreamServer::MayGoWithProbe() const {
  return links_.HasConnecting() && context_.loop.Now() - last_connect_ < kConnectPatience;
}

bool UpstreamServer::MayOpen(SendMode mode) const {
  const MonoTime now = context_.loop.Now();
  if (down() && !mode.last_resort) return false;
  // A certificate does not become good in a moment: the probes are enough.
  if (down() && IsAboutCertificate(health_.last_failure())) return false;
  if (now >= no_connect_before_) return true;
  return mode.last_resort && now - last_connect_ >= kLastResortInterval;
}

// True when queries wait for one another on all connections, and one more may help. Over UDP none
// waits for another.
bool UpstreamServer::IsQueueing(const Connection& connection) {
  if (!connection.ready() || connection.in_flight() < UpstreamLinks::kCrowded) return false;
  if (options_.transport == Transport::kUdp || links_.HasConnecting()) return false;
  if (context_.loop.Now() < no_connect_before_ || !links_.HasRoom()) return false;
  const Duration queueing = health_.queueing_time();
  return queueing > kMinQueueing && queueing > *health_.response_time() / 2;
}

void UpstreamServer::SendOn(Connection& connection, const UpstreamQuery& query, AttemptId attempt) {
  attempts_[attempt] = Attempt{&connection, context_.loop.Now(), false};
  NoteTry();
  connection.Send(query, attempt);
  if (connection.ready()) stall_watch_.NoteSent(links_.Of(connection));
  counters_.queries.Add();
  UpdateGauges();
}

std::optional<UpstreamFailure> UpstreamServer::SendAlone(const UpstreamQuery& query,
                                                         AttemptId attempt) {
  if (context_.loop.Now() < no_connect_before_) return UpstreamFailure::kOverloaded;
  if (waiting_.empty() && links_.alone() < kMaxAlone) {
    SendOn(*Open(/*alone=*/true), query, attempt);
  } else {
    waiting_.emplace_back(attempt, query);
    attempts_[attempt] = Attempt{nullptr, context_.loop.Now(), false};
    UpdateGauges();
  }
  return std::nullopt;
}

void UpstreamServer::GiveTurns() {
  if (down() || draining_ || link_down_) return;
  while (!waiting_.empty() && links_.alone() < kMaxAlone) {
    const auto [attempt, query] = std::move(waiting_.front());
    waiting_.pop_front();
    SendOn(*Open(/*alone=*/true), query, attempt);
  }
}

// Those who wait for a turn that will not come.
void UpstreamServer::SendAway() {
  std::vector<AttemptId> sent_away;
  for (const auto& [attempt, query] : std::exchange(waiting_, {})) {
    if (attempts_.erase(attempt) > 0) sent_away.push_back(attempt);
  }
  reports_.AddUnconnected(std::move(sent_away));
}

// Its attempt was answered: it takes the next one's, or is one connection among the others.
void UpstreamServer::ReleaseAlone(Connection& connection) {
  const UpstreamLink* link = links_.Find(connection);
  if (link == nullptr || !link->alone) return;
  if (!waiting_.empty() && connection.HasRoom()) {
    const auto [attempt, query] = std::move(waiting_.front());
    waiting_.pop_front();
    SendOn(connection, query, attempt);
    return;
  }
  if (MakeRoom()) {
    links_.Of(connection).alone = false;  // Room was made by taking out another.
  } else {
    TakeOut(connection);
    GiveTurns();
  }
}

void UpstreamServer::Forget(AttemptId attempt) {
  reports_.Forget(attempt);
  const auto found = attempts_.find(attempt);
  if (found == attempts_.end()) return;
  Connection* connection = found->second.connection;
  attempts_.erase(found);
  if (connection == nullptr) {
    std::erase_if(waiting_, [attempt](const auto& entry) { return entry.first == attempt; });
  } else {
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
  const auto found = attempts_.find(attempt);
  if (found == attempts_.end()) return Duration::zero();
  const Duration patience =
      !IsQueued(attempt)
          ? health_.AttemptTimeout(context_.limits)
          : std::min<Duration>(kConnectPatience, context_.limits.max_attempt_timeout);
  return found->second.sent + patience - context_.loop.Now();
}

bool UpstreamServer::IsQueued(AttemptId attempt) const {
  const auto found = attempts_.find(attempt);
  if (found == attempts_.end()) return false;
  const Connection* connection = found->second.connection;
  return connection == nullptr || !connection->ready();
}

void UpstreamServer::NoteWord(const Connection& connection) {
  last_sign_ = context_.loop.Now();
  UpstreamLink* link = links_.Find(connection);
  if (link != nullptr) StallWatch::NoteWord(*link);  // Else taken out in this very turn.
}

void UpstreamServer::OnStall(const std::vector<StallWatch::Stall>& stalls) {
  std::vector<AttemptId> stalled;
  for (const StallWatch::Stall& stall : stalls) {
    health_.OnSlow(stall.silence);
    for (const auto& [id, attempt] : attempts_) {
      if (attempt.connection == stall.connection) stalled.push_back(id);
    }
  }
  // In a flood of names that nobody answers, they have had their chance.
  if (stalled.size() > static_cast<size_t>(context_.limits.max_in_flight_per_connection)) {
    std::erase_if(stalled, [this](AttemptId id) { return attempts_.at(id).timed_out; });
  }
  counters_.stalls.Add(stalls.size());
  health_.OnStall();
  // One query was to show whether it answers.
  if (health_.was_down()) NoteFailure(UpstreamFailure::kTimeout, kNoAnswer);
  if (!stalled.empty()) context_.delegate.OnStall(stalled);
}

void UpstreamServer::OnAttemptTimeout(AttemptId attempt) {
  const auto found = attempts_.find(attempt);
  if (found == attempts_.end()) return;
  if (IsQueued(attempt)) return;  // The connect timeout is in charge.
  Connection& connection = *found->second.connection;
  counters_.timeouts.Add();
  connection.NoteOverdue(attempt);
  found->second.timed_out = true;
  const MonoTime sent = found->second.sent;
  health_.OnSlow(context_.loop.Now() - std::max(sent, network_changed_));
  if (links_.Of(connection).alone && !waiting_.empty()) connection.CloseSoon();
  if (connection.last_received() > sent) return;
  UpstreamLink& link = links_.Of(connection);
  if (!link.silent()) link.silence_noted = false;
  link.silent_since = std::max(link.silent_since, sent);
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
  const auto found = attempts_.find(attempt);
  if (found == attempts_.end()) return true;
  // A datagram may be lost while others arrive; on a stream only all are late.
  if (found->second.timed_out && options_.transport == Transport::kUdp) return true;
  const Connection* connection = found->second.connection;
  return connection != nullptr && links_.IsSilent(*connection);
}

void UpstreamServer::Prepare() {
  if (draining_ || link_down_ || down() || loops()) return;
  if (context_.loop.Now() < no_connect_before_) return;
  if (links_.Pick(false) == nullptr) Open();
}

void UpstreamServer::ProbeNow() {
  if (!draining_ && !absent() && !link_down_ && down() && !links_.HasConnecting()) Open();
}

void UpstreamServer::ProbeEverySecond() {
  if (down() && context_.loop.Now() - last_connect_ >= ProbeGate::kInterval) OnProbeDue();
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
  no_connect_before_ = MonoTime();
  last_sign_ = context_.loop.Now();  // What was known to be dead is asked again.
  health_.OnNetworkChange(context_.loop.Now());
  for (std::unique_ptr<Connection>& given_up : links_.OnNetworkChange(context_.loop.Now())) {
    reports_.AddUnconnected(TakeAttemptsOf(*given_up));
    context_.loop.DeferDelete(std::move(given_up));
  }
  std::vector<AttemptId> distrusted;
  for (const auto& [id, attempt] : attempts_) {
    if (attempt.connection != nullptr && !attempt.timed_out) distrusted.push_back(id);
  }
  reports_.SetDistrusted(std::move(distrusted));
  if (link_down) SendAway();
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
  SendAway();
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
  snapshot.family_broken = context_.families.broken(snapshot.is_v6);
  return snapshot;
}

void UpstreamServer::OnConnectionReady(Connection& connection, bool resumed, Duration elapsed) {
  if (options_.transport != Transport::kUdp) {  // Which has no handshake.
    (resumed ? counters_.resumed_handshakes : counters_.full_handshakes).Add();
    counters_.handshake_time.Record(elapsed);
  }
  const MonoTime now = context_.loop.Now();
  no_connect_before_ = now;
  for (auto& [id, attempt] : attempts_) {
    if (attempt.connection != &connection) continue;
    attempt.sent = now;
    stall_watch_.NoteSent(links_.Of(connection));
  }
  if (options_.transport == Transport::kUdp) {
    health_.OnWayFound();
  } else {
    health_.OnConnected(elapsed, now);
    context_.families.NoteConnected(options_.endpoint.is_v6());
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
  const auto found = attempts_.find(attempt);
  if (found == attempts_.end()) return;
  const MonoTime now = context_.loop.Now();
  const bool from_before = found->second.sent < network_changed_;
  const Duration elapsed = now - std::max(found->second.sent, network_changed_);
  attempts_.erase(found);
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
  ReleaseAlone(connection);
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
  std::erase_if(lost, [this](AttemptId attempt) { return attempts_.erase(attempt) == 0; });
  counters_.failures.Add(lost.size());
  if (!graceful) {
    if (failure != UpstreamFailure::kConnectionLost) {
      counters_.failed_handshakes.Add();
      context_.families.NoteFailure(options_.endpoint.is_v6(), index_, failure);
      no_connect_before_ = context_.loop.Now() + kConnectInterval;
    }
    NoteFailure(failure, detail);
  }
  const size_t others = lost.empty() ? 0 : lost.size() - 1;
  const bool was_ready = failure == UpstreamFailure::kConnectionLost;
  if (was_ready && !down()) {
    GiveTurns();
  } else {  // Who waits for a turn would not be connected either.
    for (const auto& [attempt, query] : std::exchange(waiting_, {})) {
      if (attempts_.erase(attempt) > 0) lost.push_back(attempt);
    }
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
  if (!alone && !MakeRoom()) return nullptr;
  last_connect_ = context_.loop.Now();
  NoteTry();
  return links_.Add(context_.connector.Connect(options_, index_, *this), alone).connection.get();
}

bool UpstreamServer::MakeRoom() {
  links_.LimitDraining();
  if (links_.HasRoom()) return true;
  const Connection* silent = links_.FindSilent(context_.loop.Now() - kMaxLateness);
  if (silent == nullptr) return false;
  reports_.AddLost(TakeAttemptsOf(*silent));
  context_.loop.DeferDelete(links_.TakeOut(*silent));
  return true;
}

// Those on it are not on their way any more.
std::vector<AttemptId> UpstreamServer::TakeAttemptsOf(const Connection& connection) {
  std::vector<AttemptId> taken;
  for (const auto& [id, attempt] : attempts_) {
    if (attempt.connection == &connection) taken.push_back(id);
  }
  for (const AttemptId id : taken) attempts_.erase(id);
  return taken;
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

void UpstreamServer::NoteTry() {
  if (in_vain_since_ <= last_sign_) in_vain_since_ = context_.loop.Now();
}

void UpstreamServer::OnProbeDue() {
  if (draining_ || absent() || link_down_ || !down()) return;
  // What is being opened may be forgotten before it tells anything.
  if (links_.HasConnecting() || !MayProbe() || Open() == nullptr) {
    probe_timer_->Start(kConnectInterval);
  }
}

// Another worker has heard from it since it was last seen down here, or it is this one's turn.
bool UpstreamServer::MayProbe() {
  return probe_gate_.up_at() > last_failure_at_ || probe_gate_.TryPass(context_.loop.Now());
}

void UpstreamServer::NoteFailure(UpstreamFailure failure, absl::string_view cause) {
  last_failure_at_ = context_.loop.Now();
  health_.OnFailure(failure, links_.HasTalking(), last_failure_at_, context_.random);
  if (down() && !draining_) probe_timer_->Start(health_.next_probe() - context_.loop.Now());
  NoteStateChange(cause);
}

void UpstreamServer::NoteStateChange(absl::string_view cause) {
  if (retired_ || !state_log_.Note(health_, cause)) return;
  counters_.up.Set(state_log_.told_up() ? 1 : 0);
  if (state_log_.told_up()) probe_gate_.NoteUp(context_.loop.Now());
  if (down()) context_.delegate.OnServerDown();
}

void UpstreamServer::UpdateGauges() {
  if (retired_) return;
  counters_.in_flight.Set(attempts_.size());
  counters_.open_connections.Set(links_.ready());
}

}  // namespace dotcache
