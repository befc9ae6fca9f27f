// SPDX-License-Identifier: Apache-2.0
// The connections of one upstream server.
#ifndef DOTCACHE_UPSTREAM_POOL_UPSTREAM_LINKS_H_
#define DOTCACHE_UPSTREAM_POOL_UPSTREAM_LINKS_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "upstream/connection/connection.h"

namespace dotcache {

// One connection and what its server knows of it.
struct UpstreamLink {
  std::unique_ptr<Connection> connection;
  // When the latest query was sent that stalled or timed out without a sign of life; epoch: none.
  MonoTime silent_since;
  bool silence_noted = false;  // As a failure of the server.
  int unanswered = 0;          // Queries sent since it last said something.
  MonoTime suspect_since;      // When those became enough to suspect it; epoch: they are not.
  MonoTime asked_for_life_at;  // Since then; epoch: not yet.
  bool alone = false;          // It carries one attempt that shares it with none.

  bool silent() const {
    return silent_since != MonoTime() && connection->last_received() <= silent_since;
  }
};

// Owns them, in the order in which they were opened; calls nobody but them. At most `limit` are
// shared, one more where all are silent; those that drain do not count, up to as many again, nor
// those that carry an attempt alone. Not thread-safe.
class UpstreamLinks {
 public:
  explicit UpstreamLinks(int limit) : limit_(static_cast<size_t>(limit)) {}

  UpstreamLink& Add(std::unique_ptr<Connection> connection, bool alone);

  // nullptr once it has been taken out.
  UpstreamLink* Find(const Connection& connection);
  // REQUIRES: it has not been taken out.
  UpstreamLink& Of(const Connection& connection);

  // REQUIRES: it has not been taken out.
  bool IsSilent(const Connection& connection) const;

  // For its owner to destroy; nullptr when it was taken out before.
  std::unique_ptr<Connection> TakeOut(const Connection& connection);

  // With so many queries on it a connection counts as crowded: another one is preferred.
  static constexpr int kCrowded = 64;

  // One that takes a query to share it: the first ready one that is not crowded, else the ready one
  // with the fewest queries, else one that is being opened; with `fresh` only the last. nullptr
  // when there is none.
  Connection* Pick(bool fresh) const;
  // The one that fell silent last and has room.
  Connection* PickSilent() const;

  // True when one more may be shared. If not: the first that has been silent since then, or silent
  // with nobody waiting for it, to make way; or nullptr. If there is none: whether all are silent
  // and one may be opened beyond the limit.
  bool HasRoom() const { return Count(&IsShared) < limit_; }
  Connection* FindSilent(MonoTime since) const;
  bool HasSpare() const;

  // The network has changed. Takes out, for their owner to destroy, those without queries, which a
  // query might meet half open, and those being opened, whose first packet may be lost and would be
  // sent again only after a second. The others are silent until something comes on them, which is
  // no failure of the server.
  std::vector<std::unique_ptr<Connection>> OnNetworkChange(MonoTime now);

  // Gives the oldest up where too many drain.
  void LimitDraining();

  size_t alone() const { return Count(&IsAlone); }
  size_t ready() const { return Count(&IsReady); }
  bool HasTalking() const { return Count(&IsTalking) > 0; }  // Ready and not silent.
  bool HasHopeful() const { return Count(&IsHopeful) > 0; }  // Asked, and not silent.
  bool HasConnecting() const { return ready() < links_.size(); }

  std::vector<UpstreamLink>& all() { return links_; }

 private:
  static bool IsAlone(const UpstreamLink& link) { return link.alone; }
  static bool IsDraining(const UpstreamLink& link) {
    return !link.alone && link.connection->draining();
  }
  static bool IsShared(const UpstreamLink& link) { return !link.alone && !IsDraining(link); }
  static bool IsReady(const UpstreamLink& link) { return link.connection->ready(); }
  static bool IsTalking(const UpstreamLink& link) { return IsReady(link) && !link.silent(); }

  static bool IsHopeful(const UpstreamLink& link) {
    return link.connection->in_flight() > 0 && !link.silent();
  }

  size_t Count(bool (*predicate)(const UpstreamLink&)) const;

  const size_t limit_;
  std::vector<UpstreamLink> links_;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_POOL_UPSTREAM_LINKS_H_
