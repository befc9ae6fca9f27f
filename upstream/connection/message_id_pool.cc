// SPDX-License-Identifier: Apache-2.0
#include "upstream/connection/message_id_pool.h"

#include <cassert>

#include "absl/random/uniform_int_distribution.h"

namespace dotcache {

uint16_t MessageIdPool::Take() {
  assert(taken_count_ < kMaxTaken);
  absl::uniform_int_distribution<uint16_t> any_id;
  uint16_t id = any_id(random_);
  while (taken_.test(id)) id = any_id(random_);
  taken_.set(id);
  ++taken_count_;
  return id;
}

void MessageIdPool::Release(uint16_t id) {
  assert(taken_.test(id));
  taken_.reset(id);
  --taken_count_;
}

}  // namespace dotcache
