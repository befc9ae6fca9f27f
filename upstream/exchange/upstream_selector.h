// SPDX-License-Identifier: Apache-2.0
// The order in which the servers of a zone are asked.
#ifndef DOTCACHE_UPSTREAM_EXCHANGE_UPSTREAM_SELECTOR_H_
#define DOTCACHE_UPSTREAM_EXCHANGE_UPSTREAM_SELECTOR_H_

#include <cstdint>
#include <optional>

#include "absl/container/inlined_vector.h"
#include "absl/random/bit_gen_ref.h"
#include "absl/types/span.h"
#include "upstream/api/upstream_options.h"
#include "upstream/pool/server_snapshot.h"

namespace dotcache {

// Indices of the servers that have an address, each once, the one to ask first in front.
using ServerOrder = absl::InlinedVector<uint8_t, 8>;

struct ServerChoice {
  ServerOrder order;
  // The policy's first choice, when it gave way to a server that is connected already: a connection
  // to it should be opened, so that it can have its share next time.
  std::optional<int> connect;
};

// Puts the servers of one zone in order: those that are up as the policy says, except that one with
// a ready connection comes before one without, because a query never waits for a handshake that it
// can do without; then those that are down, by their next probe. `sticky-hash` waits for the
// handshake: the name is meant for that provider alone. Keeps nothing but the position of round
// robin. Not thread-safe.
class UpstreamSelector {
 public:
  explicit UpstreamSelector(SelectionPolicy policy) : policy_(policy) {}

  // `name_hash` is read by sticky-hash alone. REQUIRES: 1 to 64 servers.
  ServerChoice Choose(absl::Span<const ServerSnapshot> servers, absl::BitGenRef random,
                      uint64_t name_hash = 0);

  SelectionPolicy policy() const { return policy_; }

 private:
  using Servers = absl::Span<const ServerSnapshot>;
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
