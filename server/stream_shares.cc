// SPDX-License-Identifier: Apache-2.0
#include "server/stream_shares.h"

#include <cassert>

namespace dotcache {

bool StreamShares::Take(const ClientKey& client) {
  const MutexLock lock(mutex_);
  const auto found = open_.try_emplace(client, 0).first;  // The limit is at least 1.
  if (found->second >= max_per_client_) return false;
  ++found->second;
  return true;
}

void StreamShares::TakeBeyondLimit(const ClientKey& client) {
  const MutexLock lock(mutex_);
  ++open_[client];
}

void StreamShares::Return(const ClientKey& client) {
  const MutexLock lock(mutex_);
  const auto found = open_.find(client);
  assert(found != open_.end());
  if (--found->second == 0) open_.erase(found);
}

}  // namespace dotcache
