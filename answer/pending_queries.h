// SPDX-License-Identifier: Apache-2.0
// The clients that wait for exchanges, and their deadlines.
#ifndef DOTCACHE_ANSWER_PENDING_QUERIES_H_
#define DOTCACHE_ANSWER_PENDING_QUERIES_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/container/node_hash_map.h"
#include "absl/functional/function_ref.h"
#include "answer/client_loads.h"
#include "answer/waiters.h"
#include "answer/worker_counters.h"
#include "cache/cache_key.h"
#include "core/clock.h"
#include "upstream/api/exchanger.h"

namespace dotcache {

// One question whose exchange is in progress.
struct PendingKey {
  const CacheKey* key = nullptr;
  ExchangeId exchange = 0;
  Waiters waiters;
  std::unique_ptr<WaiterIndex> index;  // Null while the waiters are few.
  // The client of the first waiter. Null if there are no waiters.
  ClientLoad* holder = nullptr;
  ChainLink<PendingKey> held = {};  // Among the keys of its holder.
  // The position in `by_deadline_`, or in `abandoned_` if there are no waiters.
  MonoTime due;
  uint64_t number = 0;
};

struct PendingLimits {
  size_t keys;
  size_t waiters_per_key;
  size_t waiters_per_client;
  size_t waiters;  // Of all clients and keys.
};

// Maps each key to its one exchange and to the clients that wait for it. One exchange per key
// also prevents birthday attacks (RFC 5452 section 5). An exchange may have no waiting
// client, because it is a prefetch or because the deadlines of its clients have passed. Holds no
// timer: the owner calls next_deadline() and TakeExpired(). Bound to its loop's thread.
//
// At each limit except the one of a client, the client with the most waiting queries makes room for
// a client with fewer. So a few clients cannot block other clients. It loses its newest query,
// because its older queries are closer to their answers. A key ends for all its waiters, so one
// that only this client waits for goes first. The owner takes that by TakeEvicted(). Without such a
// client, Join() adds nothing. A sixteenth of the keys is for clients that hold none.
class PendingQueries {
 public:
  enum class JoinResult {
    kFirst,   // The key is new. The caller begins the exchange and calls SetExchange().
    kJoined,  // The exchange of the key has already begun.
    // Nothing was added, because of the limit of:
    kFull,        // keys,
    kCrowded,     // waiters of the key,
    kClientFull,  // waiters of the client,
    kAllFull,     // all waiters.
  };

  struct Expired {
    CacheKey key;
    Waiters waiters;
  };

  // What made room. The caller answers the clients and cancels the exchanges.
  struct Evicted {
    std::vector<std::pair<Limit, Waiter>> waiters;
    std::vector<ExchangeId> exchanges;
  };
  explicit PendingQueries(const PendingLimits& limits) : limits_(limits) {}
  void UseLimits(const PendingLimits& limits) { limits_ = limits; }

  // The query replaces a waiting one of which it is a repetition, and keeps its deadline.
  JoinResult Join(const CacheKey& key, Waiter waiter);

  // Adds the key without a waiting client. Nothing makes room for it.
  JoinResult Begin(const CacheKey& key);

  // REQUIRES: the key is in the table.
  void SetExchange(const CacheKey& key, ExchangeId exchange);

  // Removes the key and returns its waiting clients.
  Waiters Take(const CacheKey& key);

  // Removes and returns the waiting clients of one key whose deadline has passed. The key and its
  // exchange stay. Returns std::nullopt when no client of any key has expired.
  std::optional<Expired> TakeExpired(MonoTime now);

  // What Join() has evicted since the last call.
  Evicted TakeEvicted() { return std::exchange(evicted_, {}); }

  // The earliest deadline of all waiting clients.
  std::optional<MonoTime> next_deadline() const;

  bool Contains(const CacheKey& key) const { return pending_.contains(key); }
  size_t size() const { return pending_.size(); }
  size_t waiter_count() const { return waiter_count_; }
  // The number of keys without waiting clients.
  size_t unwaited_count() const { return abandoned_.size(); }

  // Removes all keys and calls `cancel` with the id of each exchange.
  void Clear(absl::FunctionRef<void(ExchangeId)> cancel);

 private:
  using Table = absl::node_hash_map<CacheKey, PendingKey>;  // A node never moves in memory.

  JoinResult MakeRoom(PendingKey* pending, const ClientLoad& client);
  bool MakeKeyRoom(const ClientLoad& client);
  bool MakeWaiterRoom(const ClientLoad& client);
  bool MakeRoomAt(PendingKey& pending, const ClientLoad& client);
  bool DropOldestAbandoned();
  static PendingKey* CheapestOf(const ClientLoad& most, const ClientLoad& client);
  static size_t CountOf(const PendingKey& pending, const ClientLoad& client);
  void EvictAll(PendingKey& pending);
  void EvictOne(PendingKey& pending, const ClientLoad& client, Limit limit);

  // Adds the key to the table only. Place() adds it to `by_deadline_`, or to `abandoned_` if it has
  // no waiters. Displace() removes it from both.
  PendingKey& Add(const CacheKey& key);
  void Place(PendingKey& pending);
  void Displace(PendingKey& pending);
  // To and from the list of the key, and the client's load. `place` is the end, or the successor of
  // the waiter that this one replaces. REQUIRES: the key is displaced.
  void Insert(PendingKey& pending, ClientLoad& load, Waiter waiter, Waiters::iterator place);
  Waiters Remove(Waiters::iterator waiter);
  void Charge(PendingKey& pending);
  static void MakeIndex(PendingKey& pending);
  static Waiters::iterator FindRepeated(PendingKey& pending, const Waiter& waiter);

  PendingLimits limits_;
  Table pending_;
  ClientLoads loads_;
  absl::btree_set<std::tuple<MonoTime, uint64_t, PendingKey*>> by_deadline_;  // With waiters.
  absl::btree_set<std::pair<uint64_t, PendingKey*>> abandoned_;  // Without them, oldest first.
  uint64_t last_number_ = 0;
  size_t waiter_count_ = 0;
  Evicted evicted_;
};

}  // namespace dotcache

#endif  // DOTCACHE_ANSWER_PENDING_QUERIES_H_
