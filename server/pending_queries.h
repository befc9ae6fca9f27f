// SPDX-License-Identifier: Apache-2.0
// Who waits for which answer, and until when.
#ifndef DOTCACHE_SERVER_PENDING_QUERIES_H_
#define DOTCACHE_SERVER_PENDING_QUERIES_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/container/node_hash_map.h"
#include "absl/functional/function_ref.h"
#include "cache/cache_entry.h"
#include "cache/cache_key.h"
#include "core/clock.h"
#include "dns/query.h"
#include "server/reply_writer.h"
#include "upstream/exchanger.h"

namespace dotcache {

// A client that waits for the answer to its query.
struct Waiter {
  Query query;
  ReplyAddress address;
  ReplySink* sink;  // Not owned; outlives the table.
  MonoTime received_at;
  MonoTime deadline;              // When it is answered without an answer.
  CacheEntryRef stale = nullptr;  // What it gets then, if anything.

  Client client() const { return {query, address, *sink}; }
};

using Waiters = std::deque<Waiter>;  // By deadline, then arrival.

// One exchange per key and worker, however many clients wait for it (RFC 5452 section 5: no
// birthday attack either). An exchange may have nobody who waits: nobody did from the start, or the
// last one's deadline has passed. Holds no timer: the owner asks for next_deadline(). Bound to its
// loop's thread. Bounded in keys and in waiters of a key; who comes over the bound is turned away.
class PendingQueries {
 public:
  enum class JoinResult {
    kFirst,    // Begin the exchange, then SetExchange().
    kJoined,   // An exchange is under way.
    kFull,     // The table is full; nothing was added.
    kCrowded,  // Too many wait for the key already; nothing was added.
  };

  struct Expired {
    CacheKey key;
    Waiters waiters;
  };

  PendingQueries(size_t max_keys, size_t max_waiters_per_key)
      : max_keys_(max_keys), max_waiters_per_key_(max_waiters_per_key) {}

  JoinResult Join(const CacheKey& key, Waiter waiter);

  // Adds the key with nobody who waits.
  JoinResult Begin(const CacheKey& key);

  // REQUIRES: the key is in the table.
  void SetExchange(const CacheKey& key, ExchangeId exchange);

  // Removes the key and hands over who waits.
  Waiters Take(const CacheKey& key);

  // Hands over those of one key whose deadline has come; the key and its exchange stay. nullopt
  // when there are none, of any key.
  std::optional<Expired> TakeExpired(MonoTime now);

  // The earliest deadline of all who wait.
  std::optional<MonoTime> next_deadline() const;

  // Removes the key, of those for which nobody waits, that has waited for nobody the longest.
  // Returns its exchange, for the caller to cancel.
  std::optional<ExchangeId> DropOneNobodyWaitsFor();

  size_t size() const { return pending_.size(); }
  size_t waiter_count() const { return waiter_count_; }
  size_t unwaited_count() const { return abandoned_.size(); }  // Keys.

  // Removes everything, telling each exchange's id.
  void Clear(absl::FunctionRef<void(ExchangeId)> cancel);

 private:
  struct Pending {
    ExchangeId exchange = 0;
    Waiters waiters;
    // Where it stands in `by_deadline_`, or without waiters in `abandoned_`.
    MonoTime due;
    uint64_t number = 0;
  };
  using Table = absl::node_hash_map<CacheKey, Pending>;  // A node does not move.
  using Node = Table::value_type;

  // Adds the key without a place in an order.
  Node& Add(const CacheKey& key);
  // Into the order by deadline, or among the abandoned; and out of it.
  void Place(Node& node);
  void Displace(Node& node);

  const size_t max_keys_;
  const size_t max_waiters_per_key_;
  Table pending_;
  absl::btree_set<std::tuple<MonoTime, uint64_t, Node*>> by_deadline_;  // Keys with waiters.
  absl::btree_set<std::pair<uint64_t, Node*>> abandoned_;               // Without, oldest first.
  uint64_t last_number_ = 0;
  size_t waiter_count_ = 0;
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_PENDING_QUERIES_H_
