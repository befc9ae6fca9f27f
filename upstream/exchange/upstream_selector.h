// SPDX-License-Identifier: Apache-2.0
// The order in which the servers of a zone are queried.
#ifndef DOTCACHE_UPSTREAM_EXCHANGE_UPSTREAM_SELECTOR_H_
#define DOTCACHE_UPSTREAM_EXCHANGE_UPSTREAM_SELECTOR_H_

#include <cstdint>
#include <optional>

#include "absl/container/inlined_vector.h"
#include "absl/random/bit_gen_ref.h"
#include "absl/types/span.h"
#include "upstream/api/upstream_options.h"
#include "upstream/exchange/server_view.h"

namespace dotcache {

// Indices of the servers that have an address, each once, in the order of querying.
using ServerOrder = absl::InlinedVector<uint8_t, 8>;

struct ServerChoice {
  ServerOrder order;
  // The policy's first choice, if a connected server was put before it. A connection to it should
  // be opened, so that it gets its share next time.
  std::optional<int> connect;
};

// Puts the servers of one zone in order. First come those that are up, in the order of the policy.
// A server with a ready connection comes before one without, so that queries do not wait for
// handshakes. Then come servers whose provider is erring, those on trial, and those that are down,
// by their next probe. `sticky-hash` waits for the handshake: the name is for that provider only.
// Keeps only the position of round robin. Not thread-safe.
class UpstreamSelector {
 public:
  explicit UpstreamSelector(SelectionPolicy policy) : policy_(policy) {}

  // `name_hash` is read by sticky-hash alone. REQUIRES: 1 to 64 servers.
  ServerChoice Choose(absl::Span<const ServerView> servers, absl::BitGenRef random,
                      uint64_t name_hash = 0);

  SelectionPolicy policy() const { return policy_; }

 private:
  using Servers = absl::Span<const ServerView>;
  void OrderBalanced(Servers servers, absl::BitGenRef random, ServerOrder& up) const;
  void OrderFastest(Servers servers, absl::BitGenRef random, ServerOrder& up) const;
  void OrderWeighted(Servers servers, absl::BitGenRef random, ServerOrder& up) const;
  void OrderSticky(Servers servers, uint64_t name_hash, ServerOrder& up) const;

  void RaceFamilies(Servers servers, ServerOrder& up) const;

  SelectionPolicy policy_;
  uint32_t turn_ = 0;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_EXCHANGE_UPSTREAM_SELECTOR_H_
