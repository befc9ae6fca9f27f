// SPDX-License-Identifier: Apache-2.0
#include "answer/pending_queries.h"

#include <cassert>
#include <iterator>
#include <utility>

namespace dotcache {

PendingQueries::JoinResult PendingQueries::Join(const CacheKey& key, Waiter waiter) {
  const auto it = pending_.find(key);
  if (it == pending_.end()) {
    if (pending_.size() >= max_keys_) return JoinResult::kFull;
    Node& node = Add(key);
    node.second.waiters.push_back(std::move(waiter));
    ++waiter_count_;
    Place(node);
    return JoinResult::kFirst;
  }
  Waiters& waiters = it->second.waiters;
  if (waiters.size() >= max_waiters_per_key_) return JoinResult::kCrowded;
  const bool earliest = waiters.empty() || waiter.deadline < it->second.due;
  if (earliest) Displace(*it);
  // Almost always the end. Only clients with stale data have a shorter deadline.
  auto place = waiters.end();
  while (place != waiters.begin() && waiter.deadline < std::prev(place)->deadline) --place;
  waiters.insert(place, std::move(waiter));
  ++waiter_count_;
  if (earliest) Place(*it);
  return JoinResult::kJoined;
}

PendingQueries::JoinResult PendingQueries::Begin(const CacheKey& key) {
  if (pending_.contains(key)) return JoinResult::kJoined;
  if (pending_.size() >= max_keys_) return JoinResult::kFull;
  Place(Add(key));
  return JoinResult::kFirst;
}

void PendingQueries::SetExchange(const CacheKey& key, ExchangeId exchange) {
  const auto it = pending_.find(key);
  assert(it != pending_.end());
  it->second.exchange = exchange;
}

Waiters PendingQueries::Take(const CacheKey& key) {
  const auto it = pending_.find(key);
  if (it == pending_.end()) return {};
  Displace(*it);
  Waiters waiters = std::move(it->second.waiters);
  waiter_count_ -= waiters.size();
  pending_.erase(it);
  return waiters;
}

std::optional<PendingQueries::Expired> PendingQueries::TakeExpired(MonoTime now) {
  if (by_deadline_.empty() || *next_deadline() > now) return std::nullopt;
  Node& node = *std::get<Node*>(*by_deadline_.begin());
  Displace(node);
  Waiters& waiters = node.second.waiters;
  Expired expired{node.first, {}};
  while (!waiters.empty() && waiters.front().deadline <= now) {
    expired.waiters.push_back(std::move(waiters.front()));
    waiters.pop_front();
  }
  waiter_count_ -= expired.waiters.size();
  Place(node);
  return expired;
}

std::optional<MonoTime> PendingQueries::next_deadline() const {
  if (by_deadline_.empty()) return std::nullopt;
  return std::get<MonoTime>(*by_deadline_.begin());
}

std::optional<ExchangeId> PendingQueries::DropOldestAbandoned() {
  if (abandoned_.empty()) return std::nullopt;
  Node& node = *abandoned_.begin()->second;
  const ExchangeId exchange = node.second.exchange;
  Displace(node);
  pending_.erase(pending_.find(node.first));
  return exchange;
}

void PendingQueries::Clear(absl::FunctionRef<void(ExchangeId)> cancel) {
  by_deadline_.clear();
  abandoned_.clear();
  waiter_count_ = 0;
  const Table pending = std::exchange(pending_, {});
  for (const auto& [key, entry] : pending) cancel(entry.exchange);
}

PendingQueries::Node& PendingQueries::Add(const CacheKey& key) {
  return *pending_.try_emplace(key).first;
}

void PendingQueries::Place(Node& node) {
  Pending& pending = node.second;
  pending.number = ++last_number_;
  if (pending.waiters.empty()) {
    abandoned_.emplace(pending.number, &node);
    return;
  }
  pending.due = pending.waiters.front().deadline;
  by_deadline_.emplace(pending.due, pending.number, &node);
}

void PendingQueries::Displace(Node& node) {
  abandoned_.erase({node.second.number, &node});
  by_deadline_.erase({node.second.due, node.second.number, &node});
}

}  // namespace dotcache
