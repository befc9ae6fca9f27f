// SPDX-License-Identifier: Apache-2.0
#include "answer/client_loads.h"

#include <cassert>

namespace dotcache {

void ClientRanking::Increase(Place place, size_t count) {
  if (count + 1 == levels_.size()) levels_.emplace_back();
  levels_[count + 1].splice(levels_[count + 1].end(), levels_[count], place);
  if (count + 1 > top_) top_ = count + 1;
}

void ClientRanking::Decrease(Place place, size_t count) {
  assert(count > 0);
  levels_[count - 1].splice(levels_[count - 1].end(), levels_[count], place);
  if (count == top_ && levels_[count].empty()) --top_;
}

ClientLoad& ClientLoads::Of(const ClientKey& client) {
  const auto [found, is_new] = loads_.try_emplace(client, ClientLoad{client, {}, {}, {}, {}});
  ClientLoad& load = found->second;
  if (is_new) {
    load.by_waiting = by_waiting_.Add(load);
    load.by_held = by_held_.Add(load);
  }
  return load;
}

void ClientLoads::DropIfIdle(ClientLoad& load) {
  if (!load.waiting.empty()) return;
  assert(load.held.empty());
  by_waiting_.Remove(load.by_waiting);
  by_held_.Remove(load.by_held);
  loads_.erase(load.client);
}

ClientLoads::Waiting ClientLoads::AddWaiting(ClientLoad& load, Waiter& waiter) {
  by_waiting_.Increase(load.by_waiting, load.waiting.size());
  return load.waiting.insert(load.waiting.end(), &waiter);
}

void ClientLoads::RemoveWaiting(ClientLoad& load, Waiting waiting) {
  by_waiting_.Decrease(load.by_waiting, load.waiting.size());
  load.waiting.erase(waiting);
}

ClientLoads::Held ClientLoads::AddHeld(ClientLoad& load, PendingKey& key) {
  by_held_.Increase(load.by_held, load.held.size());
  return load.held.insert(load.held.end(), &key);
}

void ClientLoads::RemoveHeld(ClientLoad& load, Held held) {
  by_held_.Decrease(load.by_held, load.held.size());
  load.held.erase(held);
}

}  // namespace dotcache
