// SPDX-License-Identifier: Apache-2.0
// What the selection of servers reads of one server.
#ifndef DOTCACHE_UPSTREAM_POOL_SERVER_SNAPSHOT_H_
#define DOTCACHE_UPSTREAM_POOL_SERVER_SNAPSHOT_H_

#include <cstdint>
#include <optional>

#include "core/clock.h"

namespace dotcache {

// What the choice depends on.
struct ServerSnapshot {
  bool absent = false;  // It has no address.
  bool up = true;
  bool ready = false;  // A connection is ready and has room.
  int in_flight = 0;
  std::optional<Duration> response_time = std::nullopt;  // Unknown.
  bool is_v6 = false;
  bool family_broken = false;  // See AddressFamilies.
  MonoTime next_probe = {};    // When not up.
  double weight = 1;           // Its part of its provider's weight; above 0.
  uint64_t provider_hash = 0;  // The same for all addresses of a provider.
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_POOL_SERVER_SNAPSHOT_H_
