// SPDX-License-Identifier: Apache-2.0
#include "answer/client_shares.h"

#include <cassert>

namespace dotcache {

ClientShares::Outcome ClientShares::Take(const Endpoint& client) {
  if (all_ >= max_all_) return Outcome::kAllFull;
  const auto [found, is_new] = waiting_.try_emplace(ClientKey(client), 0);
  if (found->second >= max_per_client_) {
    if (is_new) waiting_.erase(found);
    return Outcome::kClientFull;
  }
  ++found->second;
  ++all_;
  return Outcome::kTaken;
}

void ClientShares::Return(const Endpoint& client) {
  const auto found = waiting_.find(ClientKey(client));
  assert(found != waiting_.end());
  if (--found->second == 0) waiting_.erase(found);
  --all_;
}

}  // namespace dotcache
