// SPDX-License-Identifier: Apache-2.0
// Counts the waiting queries of each client.
#ifndef DOTCACHE_ANSWER_CLIENT_SHARES_H_
#define DOTCACHE_ANSWER_CLIENT_SHARES_H_

#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "net/endpoint.h"

namespace dotcache {

// Counts the waiting queries of each client, so that one client cannot fill the table. Not
// thread-safe. The number of clients is bounded by `max_all`.
//
// What counts as one client:
// - an IPv4 address, also when written as an IPv4-mapped IPv6 address;
// - an IPv6 /64, because one host may use every address of its /64;
// - a link-local IPv6 address together with its interface, because all link-local addresses share
//   one /64.
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
  struct Client {
    bool is_v6;
    uint64_t network;    // For IPv4, the whole address.
    uint64_t interface;  // For link-local addresses, the last 64 bits. Otherwise 0.
    uint32_t zone;       // For link-local addresses, the interface. Otherwise 0.

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
  absl::flat_hash_map<Client, uint32_t> waiting_;  // A count is never 0.
};

}  // namespace dotcache

#endif  // DOTCACHE_ANSWER_CLIENT_SHARES_H_
