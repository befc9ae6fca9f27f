// SPDX-License-Identifier: Apache-2.0
#include "server/sessions_by_client.h"

namespace dotcache {

SessionsByClient::Place SessionsByClient::Add(const ClientKey& client, uint64_t id) {
  const auto [found, is_new] = clients_.try_emplace(client);
  Client& of_session = found->second;
  of_session.key = &found->first;
  if (!is_new) Erase(of_session);
  const Place place{&of_session, of_session.ids.insert(of_session.ids.end(), id)};
  Insert(of_session);
  return place;
}

void SessionsByClient::Remove(const Place& place) {
  Client& client = *place.client;
  Erase(client);
  client.ids.erase(place.id);
  if (client.ids.empty()) {
    const ClientKey key = *client.key;
    clients_.erase(key);
  } else {
    Insert(client);
  }
}

void SessionsByClient::SetActive(const Place& place) {
  Ids& ids = place.client->ids;
  ids.splice(ids.end(), ids, place.id);
}

const SessionsByClient::Ids* SessionsByClient::Find(const ClientKey& client) const {
  const auto found = clients_.find(client);
  return found == clients_.end() ? nullptr : &found->second.ids;
}

void SessionsByClient::Insert(Client& client) {
  ClientsOfCount& equals = by_count_[client.ids.size()];
  client.place = equals.insert(equals.end(), &client);
}

void SessionsByClient::Erase(const Client& client) {
  const auto equals = by_count_.find(client.ids.size());
  equals->second.erase(client.place);
  if (equals->second.empty()) by_count_.erase(equals);
}

}  // namespace dotcache
