// SPDX-License-Identifier: Apache-2.0
// The connections of one upstream server.
#ifndef DOTCACHE_UPSTREAM_POOL_SERVER_CONNECTIONS_H_
#define DOTCACHE_UPSTREAM_POOL_SERVER_CONNECTIONS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/clock.h"
#include "upstream/connection/connection.h"

namespace dotcache {

// One connection and the state that its server keeps about it.
struct ServerConnection {
  uint32_t number = 0;  // Never 0, and never used again.
  std::unique_ptr<Connection> connection;
  bool alone = false;  // It carries one attempt and is not shared.
  // For LifeWatch.
  int unanswered = 0;                   // Queries sent since its latest message,
  MonoTime unanswered_since;            // and the time of the first.
  MonoTime check_at = MonoTime::max();  // When it is asked for a sign of life, or is silent.
  int asks = 0;                         // Signs of life that are outstanding.
  bool trial = false;                   // It must show whether the server answers.
};

// Owns them, in the order in which they were opened. At most `limit` are shared, one more if all
// are silent. Draining connections do not count, up to `limit` of them, nor do those that carry one
// attempt alone. Not thread-safe.
class ServerConnections {
 public:
  explicit ServerConnections(int limit) : limit_(static_cast<size_t>(limit)) {}

  ServerConnection& Add(std::unique_ptr<Connection> connection, bool alone);

  // nullptr after it was taken out.
  ServerConnection* Find(const Connection& connection);
  ServerConnection* Find(uint32_t number);

  // For the owner to destroy. nullptr if it was taken out before.
  std::unique_ptr<Connection> TakeOut(const Connection& connection);

  // A connection with so many queries is crowded. Another one is preferred.
  static constexpr int kCrowded = 64;

  // Returns a connection for a query that may share it. First choice: the first ready one that is
  // not crowded; then the ready one with the fewest queries; then one that connects. Never the one
  // with the number `except`; then every connection with a query is crowded. nullptr if there is
  // none.
  ServerConnection* Pick(uint32_t except = 0);
  const ServerConnection* Pick() const { return const_cast<ServerConnections*>(this)->Pick(); }
  // Returns the one that became silent last and has room.
  ServerConnection* PickSilent();

  // True if the server allows fewer queries on one of them than we would send.
  bool HasLimited() const { return Count(&IsLimited) > 0; }
  bool MayDrop() const { return Count(&IsDoubtful) > 0; }
  // Informs the silent ones that the server answers on another.
  void NoteAnswered();

  // True if one of them takes a query now, even a silent one.
  bool CanTake() const { return Count(&HasPlace) > 0; }

  // The places on each of them: `most`, or fewer if the server allows fewer.
  int PlacesOnEach(int most) const;

  // True if this client may take one more of `capacity` places. It has at most three times as many
  // as are free, so that some are left for other clients. It may always have one.
  bool HasShare(uint64_t client, int capacity) const;

  // True if one more may be shared.
  bool HasRoom() const { return Count(&IsShared) < limit_; }
  // Without room: the first that has been silent since `since`, or silent without attempts.
  Connection* FindSilent(MonoTime since) const;
  // The first that takes no more queries, and whose own are all overdue.
  Connection* FindOverdue() const;
  // Without room: true if all are silent, and one may be opened beyond the limit.
  bool HasSpare() const;

  // Ends the oldest draining connection if there are `limit` of them.
  void LimitDraining();

  size_t alone() const { return Count(&IsAlone); }
  size_t ready() const { return Count(&IsReady); }
  int in_flight() const;
  bool HasTalking() const { return Count(&IsTalking) > 0; }  // Ready, not silent and not on trial.
  bool HasConnecting() const { return Count(&IsConnecting) > 0; }
  bool HasHeardSince(MonoTime time) const;  // A message came on one of them.
  bool HasTrial() const { return Count(&IsTrial) > 0; }

  std::vector<ServerConnection>& all() { return connections_; }
  size_t size() const { return connections_.size(); }
  bool empty() const { return connections_.empty(); }

 private:
  static bool IsAlone(const ServerConnection& c) { return c.alone; }
  static bool IsShared(const ServerConnection& c) { return !c.alone && !c.connection->draining(); }
  static bool IsDraining(const ServerConnection& c) { return !c.alone && c.connection->draining(); }
  static bool IsReady(const ServerConnection& c) { return c.connection->ready(); }
  static bool IsTalking(const ServerConnection& c) {
    return c.connection->state() == ConnectionState::kReady && !c.trial;
  }
  static bool IsConnecting(const ServerConnection& c) {
    return c.connection->state() == ConnectionState::kConnecting;
  }
  static bool HasPlace(const ServerConnection& c) { return !c.alone && c.connection->HasRoom(); }
  static bool IsLimited(const ServerConnection& c) { return c.connection->limited(); }
  static bool IsDoubtful(const ServerConnection& c) { return c.connection->may_drop(); }
  static bool IsTrial(const ServerConnection& c) { return c.trial; }

  size_t Count(bool (*predicate)(const ServerConnection&)) const;

  const size_t limit_;
  uint32_t last_number_ = 0;
  std::vector<ServerConnection> connections_;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_POOL_SERVER_CONNECTIONS_H_
