// SPDX-License-Identifier: Apache-2.0
// How many queries of each client wait.
#ifndef DOTCACHE_SERVER_CLIENT_SHARES_H_
#define DOTCACHE_SERVER_CLIENT_SHARES_H_

#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "net/endpoint.h"

namespace dotcache {

// Counts the queries that wait, so that no client takes every place from the others. A client is an
// IPv4 address, also as an IPv4-mapped one, or an IPv6 /64, since one host may have all addresses
// of that; of link-local addresses each is one, with its link, since all links share one /64.
// Bounded by the limit of all queries. Not thread-safe.
class ClientShares {
 public:
  enum class Outcome { kTaken, kClientFull, kAllFull };

  ClientShares(size_t max_per_client, size_t max_all)
      : max_per_client_(max_per_client), max_all_(max_all) {}

  // One more query of this client waits; or it may not, and nothing changes.
  Outcome Take(const Endpoint& client);

  // It no longer does. REQUIRES: Take() gave kTaken as often for this client.
  void Return(const Endpoint& client);

  size_t client_count() const { return waiting_.size(); }

 private:
  struct Client {
    bool is_v6;
    uint64_t network;    // Of IPv4 the whole address.
    uint64_t interface;  // The rest of a link-local address, and its link; else 0.
    uint32_t zone;

    friend bool operator==(const Client& a, const Client& b) {
      return a.is_v6 == b.is_v6 && a.network == b.network && a.interface == b.interface &&
             a.zone == b.zone;
    }
    template <typename H>
    friend H AbslHashValue(H state, const Client& c) {
      return H::combine(std::move(state), c.is_v6, c.network, c.interface, c.zone);
    }
  };
  static Client ClientOf(const Endpoint& endpoint);

  const size_t max_per_client_;
  const size_t max_all_;
  size_t all_ = 0;
  absl::flat_hash_map<Client, uint32_t> waiting_;  // Never 0.
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_CLIENT_SHARES_H_
