#include "upstream/upstream_server.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/log.h"

namespace dotcache {
namespace {

// A query that waits for a handshake asks the next server after this: whoever is connected is
// faster, and the handshake goes on.
constexpr Duration kConnectPatience = Milliseconds(250);
constexpr Duration kConnectInterval = Milliseconds(500);
constexpr Duration kProbeInterval = Seconds(1);
constexpr int kMinStalledQueries = 2;
constexpr size_t kMaxWaiting = 256;  // To go alone; at the limit the attempt fails.

bool IsUsable(const UpstreamResponse& response) {
  return response.facts.kind != ResponseKind::kServFail &&
         response.facts.kind != ResponseKind::kOtherError;
}

}  // namespace

UpstreamServer::UpstreamServer(const Context& context, const UpstreamServerOptions& options,
                               int index, UpstreamCounters& counters)
    : context_(context),
      options_(options),
      index_(index),
      counters_(counters),
      probe_timer_(context.loop.NewTimer([this] { OnProbeDue(); })),
      stall_timer_(context.loop.NewTimer([this] { CheckStalls(); })) {
  counters_.up.Set(1);
}

UpstreamServer::~UpstreamServer() = default;

std::optional<UpstreamFailure> UpstreamServer::Send(const UpstreamQuery& query, AttemptId attempt,
                                                    SendMode mode) {
  assert(context_.loop.InLoopThread());
  if (down() && !mode.last_resort) return health_.last_failure();
  if (mode.alone) return SendAlone(query, attempt);
  Connection* connection = PickConnection(mode.fresh);
  if (connection == nullptr && context_.loop.Now() >= no_connect_before_) connection = Open();
  if (connection == nullptr && mode.fresh) connection = PickConnection();
  if (connection == nullptr) {
    return down() ? health_.last_failure() : UpstreamFailure::kOverloaded;
  }
  SendOn(*connection, query, attempt);
  return std::nullopt;
}

void UpstreamServer::SendOn(Connection& connection, const UpstreamQuery& query, AttemptId attempt) {
  attempts_[attempt] = Attempt{&connection, context_.loop.Now(), false};
  connection.Send(query, attempt);
  if (connection.ready()) NoteSent(connection);
  counters_.queries.Add();
  UpdateGauges();
}

std::optional<UpstreamFailure> UpstreamServer::SendAlone(const UpstreamQuery& query,
                                                         AttemptId attempt) {
  if (context_.loop.Now() < no_connect_before_ || waiting_.size() >= kMaxWaiting) {
    return UpstreamFailure::kOverloaded;
  }
  if (waiting_.empty() && HasTurn()) {
    SendOn(*Open(/*alone=*/true), query, attempt);
  } else {
    waiting_.emplace_back(attempt, query);
    attempts_[attempt] = Attempt{nullptr, context_.loop.Now(), false};
    UpdateGauges();
  }
  return std::nullopt;
}

bool UpstreamServer::HasTurn() const {
  return std::count_if(links_.begin(), links_.end(), [](const Link& link) { return link.alone; }) <
         kMaxAlone;
}

void UpstreamServer::GiveTurns() {
  while (!waiting_.empty() && HasTurn()) {
    const auto [attempt, query] = std::move(waiting_.front());
    waiting_.pop_front();
    SendOn(*Open(/*alone=*/true), query, attempt);
  }
}

// Its attempt was answered: it takes the next one's, or is one connection among the others.
void UpstreamServer::ReleaseAlone(Connection& connection) {
  Link& link = LinkOf(connection);
  if (!link.alone) return;
  if (!waiting_.empty() && connection.HasRoom()) {
    const auto [attempt, query] = std::move(waiting_.front());
    waiting_.pop_front();
    SendOn(connection, query, attempt);
    return;
  }
  if (MakeRoom()) {
    LinkOf(connection).alone = false;  // Room was made by taking out another.
  } else {
    TakeOut(connection);
  }
}

void UpstreamServer::Forget(AttemptId attempt) {
  const auto found = attempts_.find(attempt);
  if (found == attempts_.end()) return;
  Connection* connection = found->second.connection;
  attempts_.erase(found);
  if (connection == nullptr) {
    std::erase_if(waiting_, [attempt](const auto& entry) { return entry.first == attempt; });
  } else {
    connection->Forget(attempt);
    if (LinkOf(*connection).alone) {  // Its answer may yet do harm.
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

void UpstreamServer::NoteSent(const Connection& connection) {
  Link& link = LinkOf(connection);
  // One slow name is no evidence against a server that answered before; two at once are.
  const bool on_trial = health_.state() == UpstreamHealth::State::kProbation;
  if (++link.unanswered < (on_trial ? 1 : kMinStalledQueries) || link.silent()) return;
  if (link.suspect_since != MonoTime()) return;
  link.suspect_since = context_.loop.Now();
  if (!stall_timer_->armed()) stall_timer_->Start(health_.StallTime(context_.limits));
}

void UpstreamServer::NoteWord(const Connection& connection) {
  last_message_ = context_.loop.Now();
  Link& link = LinkOf(connection);
  link.unanswered = 0;
  link.suspect_since = MonoTime();
}

void UpstreamServer::CheckStalls() {
  std::vector<AttemptId> stalled;
  MonoTime next = MonoTime::max();
  for (Link& link : links_) {
    if (link.suspect_since == MonoTime()) continue;
    const MonoTime due = link.suspect_since + health_.StallTime(context_.limits);
    if (due <= context_.loop.Now()) {
      OnLinkStalled(link, stalled);
    } else {
      next = std::min(next, due);
    }
  }
  if (next != MonoTime::max()) stall_timer_->Start(next - context_.loop.Now());
  if (!stalled.empty()) context_.delegate.OnStall(stalled);
}

void UpstreamServer::OnLinkStalled(Link& link, std::vector<AttemptId>& stalled) {
  health_.OnSlow(context_.loop.Now() - link.suspect_since);
  link.suspect_since = MonoTime();
  link.silence_noted = false;
  link.silent_since = context_.loop.Now();
  for (const auto& [id, attempt] : attempts_) {
    if (attempt.connection == link.connection.get()) stalled.push_back(id);
  }
  counters_.stalls.Add();
  if (health_.state() == UpstreamHealth::State::kProbation) {
    NoteSilence(link);
  } else {
    health_.OnStall();
  }
}

void UpstreamServer::OnAttemptTimeout(AttemptId attempt) {
  const auto found = attempts_.find(attempt);
  if (found == attempts_.end()) return;
  if (IsQueued(attempt)) return;  // The connect timeout is in charge.
  Connection& connection = *found->second.connection;
  counters_.timeouts.Add();
  found->second.timed_out = true;
  const MonoTime sent = found->second.sent;
  health_.OnSlow(context_.loop.Now() - sent);
  if (LinkOf(connection).alone && !waiting_.empty()) connection.CloseSoon();
  if (connection.last_received() > sent) return;
  Link& link = LinkOf(connection);
  if (!link.silent()) link.silence_noted = false;
  link.silent_since = std::max(link.silent_since, sent);
  NoteSilence(link);
}

// One silence is one failure, however many queries share it: three slow names asked at once are no
// evidence against the server.
void UpstreamServer::NoteSilence(Link& link) {
  if (std::exchange(link.silence_noted, true)) return;
  NoteFailure(UpstreamFailure::kTimeout, "connected, but no query is answered");
}

bool UpstreamServer::IsStalled(AttemptId attempt) const {
  const auto found = attempts_.find(attempt);
  if (found == attempts_.end()) return true;
  // A datagram may be lost while others arrive; on a stream only all are late.
  if (found->second.timed_out && options_.transport == Transport::kUdp) return true;
  const Connection* connection = found->second.connection;
  return std::any_of(links_.begin(), links_.end(), [connection](const Link& link) {
    return link.connection.get() == connection && link.silent();
  });
}

void UpstreamServer::Prepare() {
  if (draining_ || down() || context_.loop.Now() < no_connect_before_) return;
  if (PickConnection() == nullptr) Open();
}

void UpstreamServer::ProbeNow() {
  if (down()) OnProbeDue();
}

void UpstreamServer::ProbeEverySecond() {
  if (context_.loop.Now() - last_connect_ >= kProbeInterval) ProbeNow();
}

void UpstreamServer::Drain() {
  draining_ = true;
  probe_timer_->Stop();
  std::vector<Connection*> connections;
  for (const Link& link : links_) connections.push_back(link.connection.get());
  for (Connection* connection : connections) CloseIfDrained(*connection);
  UpdateGauges();
}

ServerSnapshot UpstreamServer::Snapshot() const {
  ServerSnapshot snapshot;
  snapshot.in_flight = static_cast<int>(attempts_.size());
  const bool on_trial = health_.state() == UpstreamHealth::State::kProbation;
  snapshot.up = !down() && !(on_trial && snapshot.in_flight > 0);
  if (down()) snapshot.next_probe = health_.next_probe();
  const Connection* connection = PickConnection();
  snapshot.ready = connection != nullptr && connection->ready();
  snapshot.response_time = health_.response_time();
  return snapshot;
}

void UpstreamServer::OnConnectionReady(Connection& connection, bool resumed, Duration elapsed) {
  if (options_.transport != Transport::kUdp) {  // Which has no handshake.
    (resumed ? counters_.resumed_handshakes : counters_.full_handshakes).Add();
    counters_.handshake_time.Record(elapsed);
  }
  const MonoTime now = context_.loop.Now();
  for (auto& [id, attempt] : attempts_) {
    if (attempt.connection != &connection) continue;
    attempt.sent = now;
    NoteSent(connection);
  }
  health_.OnConnected(elapsed, now);
  NoteStateChange("");
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
  const Duration elapsed = now - found->second.sent;
  attempts_.erase(found);
  const UpstreamResponse* response = std::get_if<UpstreamResponse>(&result);
  const bool usable = response != nullptr && IsUsable(*response);
  (usable ? counters_.responses : counters_.failures).Add();
  if (usable) counters_.response_time.Record(elapsed);
  NoteWord(connection);
  health_.OnResponse(elapsed, usable, now);
  NoteStateChange("");
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
  const auto link = std::find_if(links_.begin(), links_.end(), [&connection](const Link& l) {
    return l.connection.get() == &connection;
  });
  if (link == links_.end()) return;
  context_.loop.DeferDelete(std::move(link->connection));
  links_.erase(link);
  std::erase_if(lost, [this](AttemptId attempt) { return attempts_.erase(attempt) == 0; });
  counters_.failures.Add(lost.size());
  if (!graceful) {
    if (failure != UpstreamFailure::kConnectionLost) {
      counters_.failed_handshakes.Add();
      no_connect_before_ = context_.loop.Now() + kConnectInterval;
    }
    NoteFailure(failure, detail);
  }
  const size_t others = lost.empty() ? 0 : lost.size() - 1;
  const bool was_ready = failure == UpstreamFailure::kConnectionLost;
  if (was_ready) {
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

// A ready one first, else one that is being opened.
Connection* UpstreamServer::PickConnection(bool fresh) const {
  Connection* connecting = nullptr;
  for (const Link& link : links_) {
    Connection* connection = link.connection.get();
    if (!connection->HasRoom() || link.silent() || link.alone) continue;
    if (connection->ready() && !fresh) return connection;
    if (connection->ready()) continue;
    if (connecting == nullptr) connecting = connection;
  }
  return connecting;
}

Connection* UpstreamServer::Open(bool alone) {
  if (!alone && !MakeRoom()) return nullptr;
  last_connect_ = context_.loop.Now();
  Link& link = links_.emplace_back();
  link.alone = alone;
  link.connection = context_.connector.Connect(options_, index_, *this);
  return links_.back().connection.get();
}

// Connections that drain do not count, up to as many again: then the oldest is given up.
bool UpstreamServer::MakeRoom() {
  const auto limit = static_cast<std::ptrdiff_t>(context_.limits.max_connections_per_server);
  const auto drains = [](const Link& link) { return !link.alone && link.connection->draining(); };
  const auto alone =
      std::count_if(links_.begin(), links_.end(), [](const Link& l) { return l.alone; });
  const auto draining = std::count_if(links_.begin(), links_.end(), drains);
  const auto shared = static_cast<std::ptrdiff_t>(links_.size()) - alone - draining;
  if (draining >= limit) {
    std::find_if(links_.begin(), links_.end(), drains)->connection->CloseSoon();
  }
  if (shared < limit) return true;
  const auto silent = std::find_if(links_.begin(), links_.end(),
                                   [](const Link& link) { return !link.alone && link.silent(); });
  if (silent == links_.end()) return false;
  // Whoever asked over it has asked elsewhere since.
  absl::erase_if(attempts_, [&silent](const auto& attempt) {
    return attempt.second.connection == silent->connection.get();
  });
  context_.loop.DeferDelete(std::move(silent->connection));
  links_.erase(silent);
  return true;
}

void UpstreamServer::CloseIfDrained(Connection& connection) {
  if (draining_ && connection.in_flight() == 0) TakeOut(connection);
}

void UpstreamServer::TakeOut(Connection& connection) {
  const auto link = std::find_if(links_.begin(), links_.end(), [&connection](const Link& l) {
    return l.connection.get() == &connection;
  });
  if (link == links_.end()) return;  // Closed in this very turn, and not gone yet.
  context_.loop.DeferDelete(std::move(link->connection));
  links_.erase(link);
}

void UpstreamServer::OnProbeDue() {
  if (draining_ || !down() || HasConnectingConnection()) return;
  if (Open() == nullptr) probe_timer_->Start(kConnectInterval);
}

UpstreamServer::Link& UpstreamServer::LinkOf(const Connection& connection) {
  const auto link = std::find_if(links_.begin(), links_.end(), [&connection](const Link& l) {
    return l.connection.get() == &connection;
  });
  assert(link != links_.end());
  return *link;
}

bool UpstreamServer::HasReadyConnection() const {
  return std::any_of(links_.begin(), links_.end(),
                     [](const Link& link) { return link.connection->ready() && !link.silent(); });
}

bool UpstreamServer::HasConnectingConnection() const {
  return std::any_of(links_.begin(), links_.end(),
                     [](const Link& link) { return !link.connection->ready(); });
}

void UpstreamServer::NoteFailure(UpstreamFailure failure, absl::string_view cause) {
  health_.OnFailure(failure, HasReadyConnection(), context_.loop.Now(), context_.random);
  if (down() && !draining_) probe_timer_->Start(health_.next_probe() - context_.loop.Now());
  NoteStateChange(cause);
}

// Probation is not told: it was down and has not answered yet.
void UpstreamServer::NoteStateChange(absl::string_view cause) {
  const bool up = health_.state() == UpstreamHealth::State::kUp;
  if (up == told_up_ || (!up && !down())) return;
  told_up_ = up;
  counters_.up.Set(up ? 1 : 0);
  if (!context_.log_state_changes) return;
  const std::string address = options_.endpoint.ToString();
  if (up) {
    Log(LogLevel::kInfo, "upstream up", {{"provider", options_.provider}, {"address", address}});
    return;
  }
  const UpstreamFailure failure = health_.last_failure();
  Log(LogLevel::kWarn, "upstream down",
      {{"provider", options_.provider},
       {"address", address},
       {"phase", UpstreamFailurePhase(failure)},
       {"failure", UpstreamFailureName(failure)},
       {"cause", cause}});
}

void UpstreamServer::UpdateGauges() {
  counters_.in_flight.Set(attempts_.size());
  counters_.open_connections.Set(static_cast<uint64_t>(std::count_if(
      links_.begin(), links_.end(), [](const Link& link) { return link.connection->ready(); })));
}

}  // namespace dotcache
