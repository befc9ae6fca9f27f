// SPDX-License-Identifier: Apache-2.0
// Counts the waiting queries of each client.
#ifndef DOTCACHE_ANSWER_CLIENT_SHARES_H_
#define DOTCACHE_ANSWER_CLIENT_SHARES_H_

#include <cstddef>
#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "net/client_key.h"
#include "net/endpoint.h"

namespace dotcache {

// Counts the waiting queries of each client (ClientKey), so that one client cannot fill the table.
// Not thread-safe. The number of clients is bounded by `max_all`.
class ClientShares {
 public:
  enum class Outcome { kTaken, kClientFull, kAllFull };

  ClientShares(size_t max_per_client, size_t max_all)
      : max_per_client_(max_per_client), max_all_(max_all) {}

  // Adds one waiting query of `client`. If the result is not kTaken, nothing changes.
  Outcome Take(const Endpoint& client);

  // Removes one waiting query of `client`.
  // REQUIRES: each Return() for a client is preceded by a Take() that returned kTaken.
  void Return(const Endpoint& client);

  size_t client_count() const { return waiting_.size(); }

 private:
  const size_t max_per_client_;
  const size_t max_all_;
  size_t all_ = 0;
  absl::flat_hash_map<ClientKey, uint32_t> waiting_;  // A count is never 0.
};

}  // namespace dotcache

#endif  // DOTCACHE_ANSWER_CLIENT_SHARES_H_
