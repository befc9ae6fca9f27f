// SPDX-License-Identifier: Apache-2.0
// The clients that wait for one exchange.
#ifndef DOTCACHE_ANSWER_WAITERS_H_
#define DOTCACHE_ANSWER_WAITERS_H_

#include <cstdint>
#include <list>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "answer/client_loads.h"
#include "answer/reply_writer.h"
#include "cache/cache_entry.h"
#include "core/clock.h"
#include "dns/query.h"

namespace dotcache {

// A client that waits for the reply to its query.
struct Waiter {
  Query query;
  ReplyAddress address;
  ReplySink* sink;  // Not owned; outlives the table.
  MonoTime received_at;
  MonoTime deadline;              // The client then gets a reply without the response.
  CacheEntryRef stale = nullptr;  // Stale data for that reply. Null if there is none.

  // Where PendingQueries has it.
  struct Links {
    PendingKey* key = nullptr;
    ClientLoad* load = nullptr;
    ChainLink<Waiter> waiting = {};
  } links = {};

  Client client() const { return {query, address, *sink, received_at}; }
};

using Waiters = std::list<Waiter>;  // Ordered by deadline, then by arrival.

// The waiters of one question, by client and by sender. A sender is an address and port with a
// message ID. Only queries over UDP are repeated (RFC 1035 section 4.2.1), so waiters of streams
// have no sender here. Not thread-safe.
class WaiterIndex {
 public:
  void Add(Waiters::iterator waiter);
  void Remove(const Waiter& waiter);

  // Returns `none` if no waiter has the sender of this one.
  Waiters::iterator FindSender(const Waiter& repeated, Waiters::iterator none) const;
  size_t CountOf(const ClientLoad& client) const;
  // The most waiters that one client has, and such a client. Most() takes time for each client.
  // REQUIRES: there is a waiter.
  size_t MostCount() const { return clients_with_.size() - 1; }
  const ClientLoad& Most() const;

 private:
  using Sender = std::pair<Endpoint, uint16_t>;

  absl::flat_hash_map<const ClientLoad*, size_t> counts_;
  std::vector<size_t> clients_with_{0};  // How many clients have this count, from 1 to the most.
  absl::flat_hash_map<Sender, Waiters::iterator> senders_;
};

// True if `later` is the same query over UDP again, from the same sender to the same listener.
bool IsRepeated(const Waiter& waiter, const Waiter& later);

}  // namespace dotcache

#endif  // DOTCACHE_ANSWER_WAITERS_H_
