// SPDX-License-Identifier: Apache-2.0
// The attempts at one server.
#ifndef DOTCACHE_UPSTREAM_POOL_ATTEMPT_TABLE_H_
#define DOTCACHE_UPSTREAM_POOL_ATTEMPT_TABLE_H_

#include <cstddef>
#include <deque>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "core/clock.h"
#include "upstream/connection/connection.h"

namespace dotcache {

// Which connection carries each, and which wait, first come first served, to go over one alone.
// Knows connections by their address and calls none. Not thread-safe.
class AttemptTable {
 public:
  struct Attempt {
    Connection* connection;  // Null while it waits to go alone.
    MonoTime sent;           // Queued, until the connection is ready.
    bool timed_out;
  };

  // To go alone. At the limit the others share: it is servers that fail then, and not because of
  // one query.
  static constexpr size_t kMaxWaiting = 256;

  void Add(AttemptId id, Connection& connection, MonoTime now) {
    attempts_[id] = {&connection, now, false};
  }
  void AddWaiting(AttemptId id, const UpstreamQuery& query, MonoTime now);

  // nullptr when there is none.
  Attempt* Find(AttemptId id);
  const Attempt* Find(AttemptId id) const;

  // False when there is none.
  bool Erase(AttemptId id);

  // Their connection is ready: they are sent now. Returns how many.
  size_t NoteReady(const Connection& connection, MonoTime now);

  std::vector<AttemptId> Of(const Connection& connection) const;
  // Those that a connection carries and that have not timed out.
  std::vector<AttemptId> Hopeful() const;

  // The same as Of(), and they are not on their way any more.
  std::vector<AttemptId> TakeOf(const Connection& connection);
  // All that wait.
  std::vector<AttemptId> TakeWaiting();
  // The first that waits, to be added with a connection. REQUIRES: has_waiting().
  std::pair<AttemptId, UpstreamQuery> TakeFirstWaiting();

  bool has_waiting() const { return !waiting_.empty(); }
  bool MayWait() const { return waiting_.size() < kMaxWaiting; }
  size_t size() const { return attempts_.size(); }

 private:
  absl::flat_hash_map<AttemptId, Attempt> attempts_;
  std::deque<std::pair<AttemptId, UpstreamQuery>> waiting_;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_POOL_ATTEMPT_TABLE_H_
