// SPDX-License-Identifier: Apache-2.0
// The clients that wait for exchanges, and their deadlines.
#ifndef DOTCACHE_ANSWER_PENDING_QUERIES_H_
#define DOTCACHE_ANSWER_PENDING_QUERIES_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/container/node_hash_map.h"
#include "absl/functional/function_ref.h"
#include "answer/reply_writer.h"
#include "cache/cache_entry.h"
#include "cache/cache_key.h"
#include "core/clock.h"
#include "dns/query.h"
#include "upstream/api/exchanger.h"

namespace dotcache {

// A client that waits for the reply to its query.
struct Waiter {
  Query query;
  ReplyAddress address;
  ReplySink* sink;  // Not owned; outlives the table.
  MonoTime received_at;
  MonoTime deadline;              // The client then gets a reply without the response.
  CacheEntryRef stale = nullptr;  // Stale data for that reply. Null if there is none.

  Client client() const { return {query, address, *sink}; }
};

using Waiters = std::deque<Waiter>;  // Ordered by deadline, then by arrival.

// Maps each key to its one exchange and to the clients that wait for it. One exchange per key
// also prevents birthday attacks (RFC 5452 section 5). An exchange may have no waiting
// client, because it is a prefetch or because the deadlines of its clients have passed. Holds no
// timer: the owner calls next_deadline() and TakeExpired(). Bound to its loop's thread. Limits: the
// number of keys, and of waiting clients per key. Beyond a limit, Join() and Begin() add nothing.
class PendingQueries {
 public:
  enum class JoinResult {
    kFirst,    // The key is new. The caller begins the exchange and calls SetExchange().
    kJoined,   // The exchange of the key has already begun.
    kFull,     // The table of keys is full. Nothing was added.
    kCrowded,  // Too many clients wait for the key. Nothing was added.
  };

  struct Expired {
    CacheKey key;
    Waiters waiters;
  };

  PendingQueries(size_t max_keys, size_t max_waiters_per_key)
      : max_keys_(max_keys), max_waiters_per_key_(max_waiters_per_key) {}

  JoinResult Join(const CacheKey& key, Waiter waiter);

  // Adds the key without a waiting client.
  JoinResult Begin(const CacheKey& key);

  // REQUIRES: the key is in the table.
  void SetExchange(const CacheKey& key, ExchangeId exchange);

  // Removes the key and returns its waiting clients.
  Waiters Take(const CacheKey& key);

  // Removes and returns the waiting clients of one key whose deadline has passed. The key and its
  // exchange stay. Returns std::nullopt when no client of any key has expired.
  std::optional<Expired> TakeExpired(MonoTime now);

  // The earliest deadline of all waiting clients.
  std::optional<MonoTime> next_deadline() const;

  // Removes the key that has been without waiting clients for the longest time. Returns its
  // exchange, which the caller cancels. Returns std::nullopt when every key has a waiting client.
  std::optional<ExchangeId> DropOldestAbandoned();

  bool Contains(const CacheKey& key) const { return pending_.contains(key); }
  size_t size() const { return pending_.size(); }
  size_t waiter_count() const { return waiter_count_; }
  // The number of keys without waiting clients.
  size_t unwaited_count() const { return abandoned_.size(); }

  // Removes all keys and calls `cancel` with the id of each exchange.
  void Clear(absl::FunctionRef<void(ExchangeId)> cancel);

 private:
  struct Pending {
    ExchangeId exchange = 0;
    Waiters waiters;
    // The position in `by_deadline_`, or in `abandoned_` if there are no waiters.
    MonoTime due;
    uint64_t number = 0;
  };
  using Table = absl::node_hash_map<CacheKey, Pending>;  // A node never moves in memory.
  using Node = Table::value_type;

  // Adds the key to the table only, not to `by_deadline_` or `abandoned_`.
  Node& Add(const CacheKey& key);
  // Place() adds the node to `by_deadline_`, or to `abandoned_` if it has no waiters. Displace()
  // removes it from both.
  void Place(Node& node);
  void Displace(Node& node);

  const size_t max_keys_;
  const size_t max_waiters_per_key_;
  Table pending_;
  absl::btree_set<std::tuple<MonoTime, uint64_t, Node*>> by_deadline_;  // Keys that have waiters.
  // Keys without waiters, oldest first.
  absl::btree_set<std::pair<uint64_t, Node*>> abandoned_;
  uint64_t last_number_ = 0;
  size_t waiter_count_ = 0;
};

}  // namespace dotcache

#endif  // DOTCACHE_ANSWER_PENDING_QUERIES_H_
