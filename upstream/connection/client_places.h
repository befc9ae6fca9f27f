// SPDX-License-Identifier: Apache-2.0
// How many places of a connection each client uses.
#ifndef DOTCACHE_UPSTREAM_CONNECTION_CLIENT_PLACES_H_
#define DOTCACHE_UPSTREAM_CONNECTION_CLIENT_PLACES_H_

#include <cassert>
#include <cstdint>

#include "absl/container/flat_hash_map.h"

namespace dotcache {

struct PlacesInUse {
  int all = 0;
  int of_client = 0;
};

// Counts attempts by client (UpstreamQuery::client). Not thread-safe.
class ClientPlaces {
 public:
  void Take(uint64_t client) {
    ++used_[client];
    ++all_;
  }
  // REQUIRES: the client uses a place.
  void Leave(uint64_t client) {
    const auto found = used_.find(client);
    assert(found != used_.end());
    if (--found->second == 0) used_.erase(found);
    --all_;
  }
  PlacesInUse Used(uint64_t client) const {
    const auto found = used_.find(client);
    return {all_, found == used_.end() ? 0 : found->second};
  }

 private:
  absl::flat_hash_map<uint64_t, int> used_;  // Never 0.
  int all_ = 0;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_CONNECTION_CLIENT_PLACES_H_
