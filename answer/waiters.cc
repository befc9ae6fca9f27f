// SPDX-License-Identifier: Apache-2.0
#include "answer/waiters.h"

#include <algorithm>
#include <cassert>

namespace dotcache {
namespace {

bool HasSender(const Waiter& waiter) { return waiter.address.transport == Transport::kUdp; }

}  // namespace

void WaiterIndex::Add(Waiters::iterator waiter) {
  const size_t count = ++counts_[waiter->links.load];
  if (count > 1) --clients_with_[count - 1];
  if (count == clients_with_.size()) clients_with_.push_back(0);
  ++clients_with_[count];
  if (HasSender(*waiter)) senders_[{waiter->address.client, waiter->query.id}] = waiter;
}

void WaiterIndex::Remove(const Waiter& waiter) {
  const auto found = counts_.find(waiter.links.load);
  assert(found != counts_.end());
  const size_t count = found->second--;
  --clients_with_[count];
  if (count > 1) ++clients_with_[count - 1];
  if (clients_with_.back() == 0 && count + 1 == clients_with_.size()) clients_with_.pop_back();
  if (count == 1) counts_.erase(found);
  if (!HasSender(waiter)) return;
  // Another listener may have a waiter of the same sender.
  const auto sender = senders_.find({waiter.address.client, waiter.query.id});
  if (sender != senders_.end() && &*sender->second == &waiter) senders_.erase(sender);
}

Waiters::iterator WaiterIndex::FindSender(const Waiter& repeated, Waiters::iterator none) const {
  if (!HasSender(repeated)) return none;
  const auto found = senders_.find({repeated.address.client, repeated.query.id});
  return found != senders_.end() && IsRepeated(*found->second, repeated) ? found->second : none;
}

size_t WaiterIndex::CountOf(const ClientLoad& client) const {
  const auto found = counts_.find(&client);
  return found == counts_.end() ? 0 : found->second;
}

const ClientLoad& WaiterIndex::Most() const {
  assert(!counts_.empty());
  return *std::max_element(counts_.begin(), counts_.end(), [](const auto& a, const auto& b) {
            return a.second < b.second;
          })->first;
}

bool IsRepeated(const Waiter& waiter, const Waiter& later) {
  return HasSender(waiter) && HasSender(later) && waiter.query.id == later.query.id &&
         waiter.address.client == later.address.client &&
         waiter.address.local == later.address.local &&
         waiter.address.listener == later.address.listener;
}

}  // namespace dotcache
