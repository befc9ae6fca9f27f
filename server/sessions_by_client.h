// SPDX-License-Identifier: Apache-2.0
// The sessions of one worker, grouped by client.
#ifndef DOTCACHE_SERVER_SESSIONS_BY_CLIENT_H_
#define DOTCACHE_SERVER_SESSIONS_BY_CLIENT_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>

#include "absl/container/node_hash_map.h"
#include "net/client_key.h"

namespace dotcache {

// Groups session ids by client and orders the clients by their number of sessions. Each operation
// on a session takes constant time, except that Add() and Remove() search the counts that occur.
// Not thread-safe. Its size is that of the session table.
class SessionsByClient {
 public:
  using Ids = std::list<uint64_t>;

 private:
  struct Client;
  using ClientsOfCount = std::list<Client*>;
  struct Client {
    Ids ids;  // Least active first.
    ClientsOfCount::iterator place;
    const ClientKey* key = nullptr;
  };

 public:
  // Where a session is. Its owner keeps this value.
  struct Place {
    Client* client = nullptr;  // Not owned.
    Ids::iterator id;
  };

  // Adds a session as the most active one of its client.
  Place Add(const ClientKey& client, uint64_t id);
  void Remove(const Place& place);
  // This session is now the most active one of its client.
  static void SetActive(const Place& place);
  static const ClientKey& KeyOf(const Place& place) { return *place.client->key; }

  // The sessions of `client`, least active first. Null if there are none.
  const Ids* Find(const ClientKey& client) const;
  // The sessions of the client with most sessions, least active first. Among equals, of the one
  // that has had this number for the longest time.
  // REQUIRES: there is a session.
  const Ids& Most() const { return by_count_.rbegin()->second.front()->ids; }

 private:
  void Insert(Client& client);
  void Erase(const Client& client);

  absl::node_hash_map<ClientKey, Client> clients_;  // A client has at least one session.
  std::map<size_t, ClientsOfCount> by_count_;       // No list is empty.
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_SESSIONS_BY_CLIENT_H_
