// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/server_connections.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace dotcache {

ServerConnection& ServerConnections::Add(std::unique_ptr<Connection> connection, bool alone) {
  ServerConnection& added = connections_.emplace_back();
  added.number = ++last_number_;
  added.connection = std::move(connection);
  added.alone = alone;
  return added;
}

ServerConnection* ServerConnections::Find(const Connection& connection) {
  const auto found =
      std::find_if(connections_.begin(), connections_.end(),
                   [&connection](const auto& c) { return c.connection.get() == &connection; });
  return found == connections_.end() ? nullptr : &*found;
}

ServerConnection* ServerConnections::Find(uint32_t number) {
  const auto found = std::find_if(connections_.begin(), connections_.end(),
                                  [number](const auto& c) { return c.number == number; });
  return found == connections_.end() ? nullptr : &*found;
}

std::unique_ptr<Connection> ServerConnections::TakeOut(const Connection& connection) {
  ServerConnection* found = Find(connection);
  if (found == nullptr) return nullptr;
  std::unique_ptr<Connection> taken = std::move(found->connection);
  connections_.erase(connections_.begin() + (found - connections_.data()));
  return taken;
}

ServerConnection* ServerConnections::Pick(uint32_t except) {
  const int crowded = except == 0 ? kCrowded : 1;
  ServerConnection* connecting = nullptr;
  ServerConnection* least = nullptr;
  for (ServerConnection& c : connections_) {
    if (c.alone || c.number == except) continue;
    if (c.connection->silent() || !c.connection->HasRoom()) continue;
    if (!c.connection->ready()) {
      if (connecting == nullptr) connecting = &c;
      continue;
    }
    const int in_flight = c.connection->in_flight();
    if (in_flight < crowded) return &c;
    if (least == nullptr || in_flight < least->connection->in_flight()) least = &c;
  }
  return least != nullptr ? least : connecting;
}

ServerConnection* ServerConnections::PickSilent() {
  ServerConnection* latest = nullptr;
  for (ServerConnection& c : connections_) {
    if (c.alone || !c.connection->silent() || !c.connection->HasRoom()) continue;
    if (latest == nullptr || c.connection->silent_since() > latest->connection->silent_since()) {
      latest = &c;
    }
  }
  return latest;
}

// All have learned the same about the server.
int ServerConnections::PlacesOnEach(int most) const {
  return connections_.empty() ? most : connections_.front().connection->capacity(most);
}

bool ServerConnections::HasShare(uint64_t client, int capacity) const {
  constexpr int kTimesFree = 3;
  if (client == 0) return true;  // Not for a client. Their number has limits of its own.
  PlacesInUse used;
  for (const ServerConnection& c : connections_) {
    const PlacesInUse places = c.connection->places(client);
    used.all += places.all;
    used.of_client += places.of_client;
  }
  return used.of_client < std::max(1, kTimesFree * (capacity - used.all));
}

bool ServerConnections::HasSpare() const {
  const bool all_silent = std::none_of(
      connections_.begin(), connections_.end(),
      [](const ServerConnection& c) { return IsShared(c) && !c.connection->silent(); });
  return all_silent && Count(&IsShared) == limit_;
}

Connection* ServerConnections::FindSilent(MonoTime since) const {
  const auto found =
      std::find_if(connections_.begin(), connections_.end(), [since](const ServerConnection& c) {
        const bool awaited = c.connection->in_flight() > 0;
        return IsShared(c) && c.connection->silent() &&
               (!awaited || c.connection->silent_since() <= since);
      });
  return found == connections_.end() ? nullptr : found->connection.get();
}

Connection* ServerConnections::FindOverdue() const {
  const auto found =
      std::find_if(connections_.begin(), connections_.end(), [](const ServerConnection& c) {
        const Connection& connection = *c.connection;
        const bool overdue = connection.in_flight() > 0 && connection.places(0).all == 0;
        return overdue && connection.ready() && (c.alone || !connection.HasRoom());
      });
  return found == connections_.end() ? nullptr : found->connection.get();
}

void ServerConnections::LimitDraining() {
  if (Count(&IsDraining) < limit_) return;
  std::find_if(connections_.begin(), connections_.end(), &IsDraining)->connection->CloseSoon();
}

void ServerConnections::NoteAnswered() {
  for (ServerConnection& c : connections_) {
    if (c.connection->silent()) c.connection->NoteReplaced();
  }
}

bool ServerConnections::HasHeardSince(MonoTime time) const {
  return std::any_of(connections_.begin(), connections_.end(),
                     [time](const auto& c) { return c.connection->last_received() > time; });
}

int ServerConnections::in_flight() const {
  return std::accumulate(
      connections_.begin(), connections_.end(), 0,
      [](int sum, const ServerConnection& c) { return sum + c.connection->in_flight(); });
}

size_t ServerConnections::Count(bool (*predicate)(const ServerConnection&)) const {
  return static_cast<size_t>(std::count_if(connections_.begin(), connections_.end(), predicate));
}

}  // namespace dotcache
