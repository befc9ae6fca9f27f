// SPDX-License-Identifier: Apache-2.0
#include "answer/pending_queries.h"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>

#include "net/client_key.h"

namespace dotcache {
namespace {

// This part of the keys is for clients that hold none.
constexpr size_t kReserve = 16;

// So many of a client's newest keys are searched for one that no other client waits for.
constexpr int kSearchedKeys = 16;

// With more waiters, a key has an index.
constexpr size_t kFewWaiters = 16;

size_t UnreservedKeys(const PendingLimits& limits) { return limits.keys - limits.keys / kReserve; }

}  // namespace

PendingQueries::JoinResult PendingQueries::Join(const CacheKey& key, Waiter waiter) {
  const ClientKey client(waiter.address.client);
  const auto found = pending_.find(key);
  PendingKey* pending = found == pending_.end() ? nullptr : &found->second;
  if (pending != nullptr) {
    if (const auto repeated = FindRepeated(*pending, waiter); repeated != pending->waiters.end()) {
      // A client that repeats its query often gets its reply in time, too.
      waiter.received_at = repeated->received_at;
      waiter.deadline = std::min(waiter.deadline, repeated->deadline);
      Displace(*pending);
      const auto next = std::next(repeated);
      Remove(repeated);
      Insert(*pending, loads_.Of(client), std::move(waiter), next);
      Place(*pending);
      return JoinResult::kJoined;
    }
  }
  ClientLoad& load = loads_.Of(client);
  if (const JoinResult result = MakeRoom(pending, load); result != JoinResult::kJoined) {
    loads_.DropIfIdle(load);
    return result;
  }
  if (pending == nullptr) {
    PendingKey& added = Add(key);
    Insert(added, load, std::move(waiter), added.waiters.end());
    Place(added);
    return JoinResult::kFirst;
  }
  const bool earliest = pending->waiters.empty() || waiter.deadline < pending->due;
  if (earliest) Displace(*pending);
  Insert(*pending, load, std::move(waiter), pending->waiters.end());
  if (earliest) Place(*pending);
  return JoinResult::kJoined;
}

// For one more waiter of `pending`, or of a new key. Returns kJoined if there is room.
PendingQueries::JoinResult PendingQueries::MakeRoom(PendingKey* pending, const ClientLoad& client) {
  if (client.waiting.size() >= limits_.waiters_per_client) return JoinResult::kClientFull;
  if (pending == nullptr) {
    if (!MakeKeyRoom(client)) return JoinResult::kFull;
  } else if (!MakeRoomAt(*pending, client)) {
    return JoinResult::kCrowded;
  }
  return MakeWaiterRoom(client) ? JoinResult::kJoined : JoinResult::kAllFull;
}

bool PendingQueries::MakeKeyRoom(const ClientLoad& client) {
  const size_t limit = client.held.empty() ? limits_.keys : UnreservedKeys(limits_);
  if (pending_.size() < limit || DropOldestAbandoned()) return true;
  const ClientLoad& most = loads_.MostHeld();
  if (most.held.size() <= client.held.size() + 1) return false;
  PendingKey* const cheapest = CheapestOf(most, client);
  if (cheapest == nullptr) return false;
  EvictAll(*cheapest);
  return DropOldestAbandoned();
}

// The newest key of `most` that no other client waits for. Else the one with the fewest waiters, of
// those for which `client` does not wait.
PendingKey* PendingQueries::CheapestOf(const ClientLoad& most, const ClientLoad& client) {
  PendingKey* cheapest = nullptr;
  const ChainLink<PendingKey>* link = &most.held.back().held;
  for (int i = 0; i < kSearchedKeys && link != nullptr; ++i, link = link->before) {
    PendingKey& pending = *link->item;
    if (CountOf(pending, most) == pending.waiters.size()) return &pending;
    if (CountOf(pending, client) > 0) continue;
    if (cheapest == nullptr || pending.waiters.size() < cheapest->waiters.size()) {
      cheapest = &pending;
    }
  }
  return cheapest;
}

size_t PendingQueries::CountOf(const PendingKey& pending, const ClientLoad& client) {
  if (pending.index != nullptr) return pending.index->CountOf(client);
  return static_cast<size_t>(
      std::count_if(pending.waiters.begin(), pending.waiters.end(),
                    [&client](const Waiter& each) { return each.links.load == &client; }));
}

// The key is without waiters then.
void PendingQueries::EvictAll(PendingKey& pending) {
  Displace(pending);
  while (!pending.waiters.empty()) {
    evicted_.waiters.emplace_back(Limit::kPendingQueries,
                                  std::move(Remove(std::prev(pending.waiters.end())).front()));
  }
  Place(pending);
}

bool PendingQueries::MakeRoomAt(PendingKey& pending, const ClientLoad& client) {
  if (pending.waiters.size() < limits_.waiters_per_key) return true;
  MakeIndex(pending);
  if (pending.index->MostCount() <= pending.index->CountOf(client) + 1) return false;
  const ClientLoad& most = pending.index->Most();
  EvictOne(pending, most, Limit::kWaitersPerQuery);
  return true;
}

bool PendingQueries::MakeWaiterRoom(const ClientLoad& client) {
  if (waiter_count_ < limits_.waiters) return true;
  const ClientLoad& most = loads_.MostWaiting();
  if (most.waiting.size() <= client.waiting.size() + 1) return false;
  EvictOne(*most.waiting.back().links.key, most, Limit::kWaiters);
  return true;
}

// Evicts the client's last waiter for the key. The client's load may end with it.
void PendingQueries::EvictOne(PendingKey& pending, const ClientLoad& client, Limit limit) {
  auto waiter = pending.waiters.end();
  do --waiter;
  while (waiter->links.load != &client);
  Displace(pending);
  evicted_.waiters.emplace_back(limit, std::move(Remove(waiter).front()));
  Place(pending);
}

// Ends the key that has been without waiters for the longest time.
bool PendingQueries::DropOldestAbandoned() {
  if (abandoned_.empty()) return false;
  PendingKey& pending = *abandoned_.begin()->second;
  evicted_.exchanges.push_back(pending.exchange);
  Displace(pending);
  pending_.erase(pending_.find(*pending.key));
  return true;
}

PendingQueries::JoinResult PendingQueries::Begin(const CacheKey& key) {
  if (pending_.contains(key)) return JoinResult::kJoined;
  if (pending_.size() >= UnreservedKeys(limits_)) return JoinResult::kFull;
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
  PendingKey& pending = it->second;
  Displace(pending);
  Waiters taken;
  while (!pending.waiters.empty()) {
    taken.splice(taken.end(), Remove(pending.waiters.begin()));
  }
  Charge(pending);
  pending_.erase(it);
  return taken;
}

std::optional<PendingQueries::Expired> PendingQueries::TakeExpired(MonoTime now) {
  if (by_deadline_.empty() || *next_deadline() > now) return std::nullopt;
  PendingKey& pending = *std::get<PendingKey*>(*by_deadline_.begin());
  Displace(pending);
  Expired expired{*pending.key, {}};
  while (!pending.waiters.empty() && pending.waiters.front().deadline <= now) {
    expired.waiters.splice(expired.waiters.end(), Remove(pending.waiters.begin()));
  }
  Place(pending);
  return expired;
}

std::optional<MonoTime> PendingQueries::next_deadline() const {
  if (by_deadline_.empty()) return std::nullopt;
  return std::get<MonoTime>(*by_deadline_.begin());
}

void PendingQueries::Clear(absl::FunctionRef<void(ExchangeId)> cancel) {
  by_deadline_.clear();
  abandoned_.clear();
  loads_ = {};
  waiter_count_ = 0;
  const Table pending = std::exchange(pending_, {});
  for (const auto& [key, entry] : pending) cancel(entry.exchange);
}

PendingKey& PendingQueries::Add(const CacheKey& key) {
  auto& [stored, pending] = *pending_.try_emplace(key).first;
  pending.key = &stored;
  return pending;
}

void PendingQueries::Place(PendingKey& pending) {
  Charge(pending);
  pending.number = ++last_number_;
  if (pending.waiters.empty()) {
    abandoned_.emplace(pending.number, &pending);
    return;
  }
  pending.due = pending.waiters.front().deadline;
  by_deadline_.emplace(pending.due, pending.number, &pending);
}

void PendingQueries::Displace(PendingKey& pending) {
  abandoned_.erase({pending.number, &pending});
  by_deadline_.erase({pending.due, pending.number, &pending});
}

// The client of the first waiter holds the key.
void PendingQueries::Charge(PendingKey& pending) {
  ClientLoad* const holder = pending.waiters.empty() ? nullptr : pending.waiters.front().links.load;
  if (holder == pending.holder) return;
  if (pending.holder != nullptr) loads_.RemoveHeld(*pending.holder, pending);
  if (holder != nullptr) loads_.AddHeld(*holder, pending);
  pending.holder = holder;
}

void PendingQueries::Insert(PendingKey& pending, ClientLoad& load, Waiter waiter,
                            Waiters::iterator place) {
  // Almost always there. Only clients with stale data have a shorter deadline.
  while (place != pending.waiters.begin() && waiter.deadline < std::prev(place)->deadline) --place;
  const auto inserted = pending.waiters.insert(place, std::move(waiter));
  inserted->links = {&pending, &load, {}};
  loads_.AddWaiting(load, *inserted);
  ++waiter_count_;
  if (pending.index != nullptr) {
    pending.index->Add(inserted);
  } else if (pending.waiters.size() > kFewWaiters) {
    MakeIndex(pending);
  }
}

// Returns the waiter alone in a list.
Waiters PendingQueries::Remove(Waiters::iterator waiter) {
  PendingKey& pending = *waiter->links.key;
  ClientLoad& load = *waiter->links.load;
  if (pending.index != nullptr) pending.index->Remove(*waiter);
  loads_.RemoveWaiting(load, *waiter);
  --waiter_count_;
  Waiters removed;
  removed.splice(removed.end(), pending.waiters, waiter);
  // Without waiters the client holds no other key.
  if (load.waiting.empty() && pending.holder == &load) {
    loads_.RemoveHeld(load, pending);
    pending.holder = nullptr;
  }
  loads_.DropIfIdle(load);
  return removed;
}

void PendingQueries::MakeIndex(PendingKey& pending) {
  if (pending.index != nullptr) return;
  pending.index = std::make_unique<WaiterIndex>();
  for (auto it = pending.waiters.begin(); it != pending.waiters.end(); ++it) pending.index->Add(it);
}

Waiters::iterator PendingQueries::FindRepeated(PendingKey& pending, const Waiter& waiter) {
  const auto end = pending.waiters.end();
  if (pending.index != nullptr) return pending.index->FindSender(waiter, end);
  return std::find_if(pending.waiters.begin(), end,
                      [&waiter](const Waiter& each) { return IsRepeated(each, waiter); });
}

}  // namespace dotcache
