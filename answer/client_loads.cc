// SPDX-License-Identifier: Apache-2.0
#include "answer/client_loads.h"

#include <cassert>

#include "answer/pending_queries.h"
#include "answer/waiters.h"

namespace dotcache {

void ClientRanking::Increase(Place& place, size_t count) {
  if (count + 1 == levels_.size()) levels_.emplace_back();
  Move(place, count, count + 1);
  if (count + 1 > top_) top_ = count + 1;
}

void ClientRanking::Decrease(Place& place, size_t count) {
  assert(count > 0);
  Move(place, count, count - 1);
  if (count == top_ && levels_[count].empty()) --top_;
}

void ClientRanking::Move(Place& place, size_t from, size_t to) {
  ClientLoad& client = *place.item;
  levels_[from].Remove(place);
  levels_[to].Append(place, client);
}

ClientLoad& ClientLoads::Of(const ClientKey& client) {
  const auto [found, is_new] = loads_.try_emplace(client, ClientLoad{client, {}, {}, {}, {}});
  ClientLoad& load = found->second;
  if (is_new) {
    by_waiting_.Add(load.by_waiting, load);
    by_held_.Add(load.by_held, load);
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

void ClientLoads::AddWaiting(ClientLoad& load, Waiter& waiter) {
  by_waiting_.Increase(load.by_waiting, load.waiting.size());
  load.waiting.Append(waiter.links.waiting, waiter);
}

void ClientLoads::RemoveWaiting(ClientLoad& load, Waiter& waiter) {
  by_waiting_.Decrease(load.by_waiting, load.waiting.size());
  load.waiting.Remove(waiter.links.waiting);
}

void ClientLoads::AddHeld(ClientLoad& load, PendingKey& key) {
  by_held_.Increase(load.by_held, load.held.size());
  load.held.Append(key.held, key);
}

void ClientLoads::RemoveHeld(ClientLoad& load, PendingKey& key) {
  by_held_.Decrease(load.by_held, load.held.size());
  load.held.Remove(key.held);
}

}  // namespace dotcache
