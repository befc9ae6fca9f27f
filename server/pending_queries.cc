#include "server/pending_queries.h"

#include <cassert>
#include <utility>

namespace dotcache {

PendingQueries::JoinResult PendingQueries::Join(const CacheKey& key, Waiter waiter) {
  if (auto it = pending_.find(key); it != pending_.end()) {
    if (it->second.waiters.size() >= max_waiters_per_key_) return JoinResult::kFull;
    it->second.waiters.push_back(std::move(waiter));
    return JoinResult::kJoined;
  }
  if (pending_.size() >= max_keys_) return JoinResult::kFull;
  pending_[key].waiters.push_back(std::move(waiter));
  return JoinResult::kFirst;
}

void PendingQueries::SetExchange(const CacheKey& key, ExchangeId exchange) {
  const auto it = pending_.find(key);
  assert(it != pending_.end());
  it->second.exchange = exchange;
}

std::vector<Waiter> PendingQueries::Take(const CacheKey& key) {
  const auto it = pending_.find(key);
  if (it == pending_.end()) return {};
  std::vector<Waiter> waiters = std::move(it->second.waiters);
  pending_.erase(it);
  return waiters;
}

void PendingQueries::Clear(absl::FunctionRef<void(ExchangeId)> cancel) {
  auto pending = std::move(pending_);
  pending_.clear();
  for (const auto& [key, entry] : pending) cancel(entry.exchange);
}

}  // namespace dotcache
