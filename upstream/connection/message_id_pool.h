// SPDX-License-Identifier: Apache-2.0
// Message IDs of one connection's queries.
#ifndef DOTCACHE_UPSTREAM_CONNECTION_MESSAGE_ID_POOL_H_
#define DOTCACHE_UPSTREAM_CONNECTION_MESSAGE_ID_POOL_H_

#include <bitset>
#include <cstdint>

#include "absl/random/bit_gen_ref.h"

namespace dotcache {

// Hands out message IDs that are uniformly random over all that are not taken (RFC 5452 section
// 9.1), never the same one twice at a time. Not thread-safe. 8 KiB.
class MessageIdPool {
 public:
  // At half of the 65,536 IDs a draw still succeeds on every other attempt.
  static constexpr int kMaxTaken = 32768;

  // `random` must be unpredictable and outlive the pool.
  explicit MessageIdPool(absl::BitGenRef random) : random_(random) {}

  // REQUIRES: taken_count() < kMaxTaken.
  uint16_t Take();

  // REQUIRES: `id` is taken.
  void Release(uint16_t id);

  int taken_count() const { return taken_count_; }

 private:
  absl::BitGenRef random_;
  std::bitset<65536> taken_;
  int taken_count_ = 0;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_CONNECTION_MESSAGE_ID_POOL_H_
