// SPDX-License-Identifier: Apache-2.0
// What each client has waiting.
#ifndef DOTCACHE_ANSWER_CLIENT_LOADS_H_
#define DOTCACHE_ANSWER_CLIENT_LOADS_H_

#include <cstddef>
#include <vector>

#include "absl/container/node_hash_map.h"
#include "core/chain.h"
#include "net/client_key.h"

namespace dotcache {

struct ClientLoad;
struct PendingKey;
struct Waiter;

// Clients in the order of a count. Finds a client with the highest count, and moves a client by
// one, both in constant time. Not thread-safe.
class ClientRanking {
 public:
  // The client holds it.
  using Place = ChainLink<ClientLoad>;

  // Adds a client whose count is 0.
  void Add(Place& place, ClientLoad& client) { levels_[0].Append(place, client); }
  // REQUIRES: its count is 0.
  void Remove(Place& place) { levels_[0].Remove(place); }
  void Increase(Place& place, size_t count);  // From `count`.
  void Decrease(Place& place, size_t count);
  // REQUIRES: there is a client.
  ClientLoad& most() const { return levels_[top_].front(); }

 private:
  void Move(Place& place, size_t from, size_t to);

  std::vector<Chain<ClientLoad>> levels_{1};  // By count.
  size_t top_ = 0;                            // The highest level with a client.
};

// One client. Its waiting queries and its keys, each in the order in which it got them. A key is
// held by the client of its first waiting query.
struct ClientLoad {
  ClientKey client;
  Chain<Waiter> waiting;
  Chain<PendingKey> held;
  ClientRanking::Place by_waiting;
  ClientRanking::Place by_held;
};

// The clients with waiting queries. A reference stays valid while its client has one. Not
// thread-safe. Its user bounds the number of waiting queries.
class ClientLoads {
 public:
  // Returns the client's load, which is new if nothing waits.
  ClientLoad& Of(const ClientKey& client);
  // Removes a client without waiting queries.
  void DropIfIdle(ClientLoad& load);

  void AddWaiting(ClientLoad& load, Waiter& waiter);
  void RemoveWaiting(ClientLoad& load, Waiter& waiter);
  void AddHeld(ClientLoad& load, PendingKey& key);
  void RemoveHeld(ClientLoad& load, PendingKey& key);

  // The client with the most of them. REQUIRES: size() > 0.
  ClientLoad& MostWaiting() const { return by_waiting_.most(); }
  ClientLoad& MostHeld() const { return by_held_.most(); }

  size_t size() const { return loads_.size(); }

 private:
  absl::node_hash_map<ClientKey, ClientLoad> loads_;
  ClientRanking by_waiting_;
  ClientRanking by_held_;
};

}  // namespace dotcache

#endif  // DOTCACHE_ANSWER_CLIENT_LOADS_H_
