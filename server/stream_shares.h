// SPDX-License-Identifier: Apache-2.0
// Counts the stream connections of each client over all workers.
#ifndef DOTCACHE_SERVER_STREAM_SHARES_H_
#define DOTCACHE_SERVER_STREAM_SHARES_H_

#include <atomic>
#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "core/mutex.h"
#include "net/client_key.h"

namespace dotcache {

// Counts the open TCP and DoT connections of each client, of all workers together, so that one
// client cannot use all places. All workers share it; any thread may call it. The number of clients
// is bounded by the number of connections. A query does not meet its lock, only an accept and a
// close do.
class StreamShares {
 public:
  explicit StreamShares(int max_per_client) : max_per_client_(max_per_client) {}

  // Connections that a client has beyond the limit stay.
  void UseLimit(int max_per_client) { max_per_client_ = max_per_client; }

  // Adds a connection of `client`. At the limit of the client, returns false and changes nothing.
  bool Take(const ClientKey& client);

  // Adds a connection of `client`, also at its limit.
  void TakeBeyondLimit(const ClientKey& client);

  // Removes a connection of `client`.
  // REQUIRES: each Return() for a client is preceded by a Take() that returned true, or by a
  // TakeBeyondLimit().
  void Return(const ClientKey& client);

 private:
  std::atomic<int> max_per_client_;
  Mutex mutex_;
  absl::flat_hash_map<ClientKey, int> open_ ABSL_GUARDED_BY(mutex_);  // A count is never 0.
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_STREAM_SHARES_H_
