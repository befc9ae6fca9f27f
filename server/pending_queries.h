// Who waits for which answer.
#ifndef DOTCACHE_SERVER_PENDING_QUERIES_H_
#define DOTCACHE_SERVER_PENDING_QUERIES_H_

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "cache/cache_key.h"
#include "core/clock.h"
#include "dns/query.h"
#include "server/reply_sink.h"
#include "upstream/exchanger.h"

namespace dotcache {

// A client that waits for the answer to its query.
struct Waiter {
  Query query;
  ReplyAddress address;
  ReplySink* sink;  // Not owned; outlives the table.
  MonoTime received_at;
};

// One exchange per key and worker, however many clients wait for it (RFC 5452 section 5: no
// birthday attack either). Bound to its loop's thread. Bounded in keys and in waiters of a key; who
// comes over the bound is turned away.
class PendingQueries {
 public:
  enum class JoinResult {
    kFirst,   // Nobody waited: begin the exchange, then SetExchange().
    kJoined,  // An exchange is under way.
    kFull,    // At a limit; the waiter was not added.
  };

  PendingQueries(size_t max_keys, size_t max_waiters_per_key)
      : max_keys_(max_keys), max_waiters_per_key_(max_waiters_per_key) {}

  JoinResult Join(const CacheKey& key, Waiter waiter);

  // REQUIRES: the key is in the table.
  void SetExchange(const CacheKey& key, ExchangeId exchange);

  // Removes the key and hands over who waited.
  std::vector<Waiter> Take(const CacheKey& key);

  size_t size() const { return pending_.size(); }

  // Removes everything, telling each exchange's id.
  void Clear(absl::FunctionRef<void(ExchangeId)> cancel);

 private:
  struct Pending {
    ExchangeId exchange = 0;
    std::vector<Waiter> waiters;
  };

  const size_t max_keys_;
  const size_t max_waiters_per_key_;
  absl::flat_hash_map<CacheKey, Pending> pending_;
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_PENDING_QUERIES_H_
