// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/attempt_placer.h"

#include <algorithm>
#include <climits>
#include <utility>

#include "upstream/pool/loop_probe.h"

namespace dotcache {
namespace {

// Responses queue if they take so much longer than at best, and twice as long.
constexpr Duration kMinQueueing = Milliseconds(1);
// Queries on a silent connection are given up after this if a new one needs its place: a server
// that has become slow may answer them late.
constexpr Duration kMaxLateness = Seconds(1);

// The loop probe has one of the connections, unless there is only one.
size_t ConnectionsForQueries(const UpstreamServerOptions& options, int workers) {
  const size_t all = ConnectionLimit::PerWorker(options, workers);
  const bool is_probed = all != SIZE_MAX && all > 1 && MayLeadBack(options.endpoint);
  return is_probed ? all - 1 : all;
}

}  // namespace

AttemptPlacer::AttemptPlacer(const Context& context)
    : context_(context), limit_(ConnectionsForQueries(context.options, context.limits.workers)) {}

std::variant<AttemptPlace, UpstreamFailure> AttemptPlacer::Place(const UpstreamQuery& query,
                                                                 AttemptId attempt,
                                                                 const Mode& mode) {
  ServerConnections& connections = context_.connections;
  const bool may_connect = MayBegin();
  const bool may_wait = may_connect && waiting_.HasRoomFor(query.client);
  if (mode.alone && may_wait) {
    if (waiting_.empty() && connections.alone() < kMaxAlone) {
      if (ServerConnection* own = Open(/*alone=*/true)) {
        return context_.server.SendOn(*own, query, attempt);
      }
    }
    // At the server's limit a shared connection must do, unless one will be free.
    if (connections.alone() > 0 || !IsFull()) return Wait(query, attempt, /*alone=*/true);
  }
  if (!HasShare(query.client)) {
    if (!held_back_.HasRoomFor(query.client)) return UpstreamFailure::kOverloaded;
    held_back_.Add({attempt, query, /*alone=*/false});
    return AttemptPlace{};
  }
  if (ServerConnection* connection = PickOrOpen(mode.apart_from)) {
    return context_.server.SendOn(*connection, query, attempt);
  }
  if (may_wait && (connections.HasLimited() || IsFull())) {
    return Wait(query, attempt, /*alone=*/false);
  }
  return may_connect ? UpstreamFailure::kOverloaded : context_.health.last_failure();
}

// In the next turn another connection may be opened for it.
AttemptPlace AttemptPlacer::Wait(const UpstreamQuery& query, AttemptId attempt, bool alone) {
  waiting_.Add({attempt, query, alone});
  context_.server.WakeInNextTurn();
  return AttemptPlace{};
}

// Returns nullptr if no connection has room and none may be opened.
ServerConnection* AttemptPlacer::PickOrOpen(uint32_t apart_from) {
  ServerConnections& connections = context_.connections;
  const bool may_connect = MayBegin();
  ServerConnection* connection = connections.Pick(apart_from);
  const bool wants_another = apart_from != 0 && may_connect && connections.HasRoom() && !IsFull();
  if (connection != nullptr && !(wants_another && connection->connection->in_flight() > 0)) {
    if (!may_connect || !IsQueueing(*connection->connection)) return connection;
    const uint32_t number = connection->number;
    Open();  // For the queries that follow.
    return connections.Find(number);
  }
  if (may_connect) connection = Open();
  if (connection == nullptr && apart_from != 0) connection = connections.Pick();
  // The server may be slow and not silent.
  if (connection == nullptr) connection = connections.PickSilent();
  return connection;
}

// Returns true if queries wait for one another on all connections, and one more may help. Over UDP
// none waits for another.
bool AttemptPlacer::IsQueueing(const Connection& connection) const {
  if (!connection.ready() || connection.in_flight() < ServerConnections::kCrowded) return false;
  if (is_udp() || context_.connections.HasConnecting() || !context_.connections.HasRoom()) {
    return false;
  }
  const Duration queueing = context_.health.queueing_time();
  return queueing > kMinQueueing && queueing > *context_.health.response_time() / 2;
}

// Over UDP a place is a socket. Where the server allows fewer queries on a connection, those that
// are not shared are places too.
bool AttemptPlacer::HasShare(uint64_t client) const {
  const UpstreamTuning& tuning = context_.limits.tuning;
  const int wanted =
      is_udp() ? tuning.max_sockets_per_connection : tuning.max_in_flight_per_connection;
  const int each = context_.connections.PlacesOnEach(wanted);
  const size_t shared = static_cast<size_t>(tuning.max_connections_per_server);
  const size_t most = each < wanted ? shared + kMaxAlone : shared;
  const size_t connections = std::min(most, limit_.Allowed(context_.loop.Now()));
  return context_.connections.HasShare(client, each * static_cast<int>(connections));
}

// A place may be free. Its client may be another one than that of the attempt that left it.
void AttemptPlacer::NotePlaceFreed() {
  if (waiting() > 0) context_.server.WakeInNextTurn();
}

void AttemptPlacer::OnNextTurn() {
  ending_ = 0;
  if (!context_.server.MaySend()) return;
  ServeWaiting();
  SendHeldBack();
}

void AttemptPlacer::GiveTurns() {
  if (!context_.server.MaySend()) return;
  ServeWaiting();
  if (!held_back_.empty()) context_.server.WakeInNextTurn();
}

void AttemptPlacer::SendHeldBack() {
  const auto has_share = [this](const AttemptQueue::Entry& entry) {
    return HasShare(entry.query.client);
  };
  while (held_back_.MoveToFront(has_share)) {
    ServerConnection* connection = PickOrOpen(0);
    if (connection == nullptr) return;
    PlaceFirst(held_back_, *connection);
  }
}

// At the server's limit of connections, without one to wait for, it shares one after all.
bool AttemptPlacer::GoesAlone(const AttemptQueue::Entry& entry) const {
  return entry.alone && (context_.connections.alone() > 0 || !IsFull());
}

// Later attempts do not wait behind an attempt that goes alone, or behind a client that has its
// share.
void AttemptPlacer::ServeWaiting() {
  const auto has_share = [this](const AttemptQueue::Entry& entry) {
    return HasShare(entry.query.client);
  };
  const auto may_share = [this](const AttemptQueue::Entry& entry) {
    return !GoesAlone(entry) && HasShare(entry.query.client);
  };
  while (!waiting_.empty()) {
    ServerConnection* connection = context_.connections.Pick();
    if (connection == nullptr || !waiting_.MoveToFront(may_share)) {
      if (context_.connections.alone() >= kMaxAlone || !MayBegin()) return;
      if (!waiting_.MoveToFront(has_share)) return;
      // Those that may share get a connection of their own only where no more may be shared.
      connection = Open(GoesAlone(waiting_.first()) || !context_.connections.HasRoom());
    }
    if (connection == nullptr) return;
    PlaceFirst(waiting_, *connection);
  }
}

void AttemptPlacer::PlaceFirst(AttemptQueue& queue, ServerConnection& connection) {
  const AttemptQueue::Entry entry = queue.Take();
  const AttemptPlace place = context_.server.SendOn(connection, entry.query, entry.attempt);
  context_.delegate.OnAttemptPlaced(entry.attempt, place);
}

bool AttemptPlacer::Reuse(ServerConnection& connection, Duration elapsed) {
  if (!connection.connection->HasRoom()) return false;
  // The server may close it after so many answers. An attempt that goes alone has lost connections
  // already, so it gets a new one, unless the number is known.
  const bool known = connection.connection->capacity(INT_MAX) < INT_MAX;
  const auto may_use = [known](const AttemptQueue::Entry& entry) { return known || !entry.alone; };
  if (waiting_.MoveToFront(may_use)) {
    PlaceFirst(waiting_, connection);
    return true;
  }
  // A connection that has been silent for longer than this response took is not slow but lost.
  if (!MakeRoom(elapsed)) return false;
  connection.alone = false;
  return true;
}

bool AttemptPlacer::IsFull() const {
  return context_.connections.size() + ending_ >= limit_.Allowed(context_.loop.Now());
}

// The socket of a connection that was taken out is closed at the end of the turn. The server counts
// it until then.
void AttemptPlacer::NoteEnding() {
  if (context_.options.max_connections == 0) return;
  ++ending_;
  context_.server.WakeInNextTurn();
}

ServerConnection* AttemptPlacer::Open(bool alone) {
  if (IsFull()) {  // Its place is free in a later turn, when it is closed.
    Connection* useless = context_.connections.FindSilent(context_.loop.Now() - kMaxLateness);
    if (useless == nullptr) useless = context_.connections.FindOverdue();
    if (useless != nullptr) useless->CloseSoon();
    return nullptr;
  }
  if (!alone && !MakeRoom(kMaxLateness)) return nullptr;
  context_.pacing.NoteBegun(context_.loop.Now());
  return &context_.connections.Add(context_.server.Connect(), alone);
}

bool AttemptPlacer::MakeRoom(Duration lateness) {
  ServerConnections& connections = context_.connections;
  connections.LimitDraining();
  if (connections.HasRoom()) return true;
  Connection* silent = connections.FindSilent(context_.loop.Now() - lateness);
  if (silent == nullptr) return connections.HasSpare();
  silent->CloseSoon();
  return true;
}

void AttemptPlacer::Forget(AttemptId attempt) {
  waiting_.Remove(attempt);
  held_back_.Remove(attempt);
}

std::vector<AttemptId> AttemptPlacer::TakeWaiting() {
  std::vector<AttemptId> all = waiting_.TakeAll();
  const std::vector<AttemptId> held_back = held_back_.TakeAll();
  all.insert(all.end(), held_back.begin(), held_back.end());
  return all;
}

}  // namespace dotcache
