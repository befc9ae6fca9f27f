// SPDX-License-Identifier: Apache-2.0
#include "answer/top_queries.h"

#include <string>
#include <utility>

namespace dotcache {
namespace {

std::string KeyOf(TopQueries::By by, const Question& question, const Endpoint& client) {
  if (by == TopQueries::By::kClients) return client.AddressToString();
  if (by == TopQueries::By::kTypes) return QTypeName(question.qtype);
  return question.qname.Canonical().ToString();
}

}  // namespace

TopQueries::TopQueries(size_t workers) {
  for (size_t i = 0; i < workers; ++i) shares_.push_back(std::make_unique<Share>());
}

bool TopQueries::Start(By by, Duration length, MonoTime now) {
  if (RunsAt(now)) return false;
  measuring_ = false;
  by_ = by;
  for (const auto& share : shares_) {
    auto keys = std::make_unique<FrequentKeys>(kCounters);
    const MutexLock lock(share->mutex);
    std::swap(share->keys, keys);
  }
  until_ = now + length;
  measuring_ = true;
  return true;
}

void TopQueries::Count(size_t worker, const Question& question, const Endpoint& client,
                       MonoTime now) {
  if (!RunsAt(now)) {
    measuring_ = false;
    return;
  }
  const std::string key = KeyOf(by_, question, client);
  Share& share = *shares_[worker];
  const MutexLock lock(share.mutex);
  if (share.keys != nullptr) share.keys->Add(key);
}

void TopQueries::ForgetUnread(MonoTime now) {
  const MonoTime until = until_.load(std::memory_order_relaxed);
  if (until != MonoTime() && now >= until + kUnread) Take(0);
}

TopQueries::Result TopQueries::Take(size_t limit) {
  measuring_ = false;
  until_ = MonoTime();
  Result result;
  std::vector<FrequentKeys> streams;
  for (const auto& share : shares_) {
    std::unique_ptr<FrequentKeys> keys;
    {
      const MutexLock lock(share->mutex);
      std::swap(share->keys, keys);
    }
    if (keys == nullptr) continue;
    result.queries += keys->total();
    streams.push_back(std::move(*keys));
  }
  result.items = MostFrequent(streams, limit);
  return result;
}

}  // namespace dotcache
