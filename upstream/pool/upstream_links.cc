// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/upstream_links.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace dotcache {

UpstreamLink& UpstreamLinks::Add(std::unique_ptr<Connection> connection, bool alone) {
  UpstreamLink& link = links_.emplace_back();
  link.connection = std::move(connection);
  link.alone = alone;
  return link;
}

UpstreamLink* UpstreamLinks::Find(const Connection& connection) {
  const auto found = std::find_if(
      links_.begin(), links_.end(),
      [&connection](const UpstreamLink& link) { return link.connection.get() == &connection; });
  return found == links_.end() ? nullptr : &*found;
}

UpstreamLink& UpstreamLinks::Of(const Connection& connection) {
  UpstreamLink* link = Find(connection);
  assert(link != nullptr);
  return *link;
}

bool UpstreamLinks::IsSilent(const Connection& connection) const {
  return std::any_of(links_.begin(), links_.end(), [&connection](const UpstreamLink& link) {
    return link.connection.get() == &connection && link.silent();
  });
}

std::unique_ptr<Connection> UpstreamLinks::TakeOut(const Connection& connection) {
  UpstreamLink* link = Find(connection);
  if (link == nullptr) return nullptr;
  std::unique_ptr<Connection> taken = std::move(link->connection);
  links_.erase(links_.begin() + (link - links_.data()));
  return taken;
}

Connection* UpstreamLinks::Pick(bool fresh) const {
  Connection* connecting = nullptr;
  Connection* least = nullptr;
  for (const UpstreamLink& link : links_) {
    Connection* connection = link.connection.get();
    if (!connection->HasRoom() || link.silent() || link.alone) continue;
    if (!connection->ready()) {
      if (connecting == nullptr) connecting = connection;
    } else if (!fresh) {
      if (connection->in_flight() < kCrowded) return connection;
      if (least == nullptr || connection->in_flight() < least->in_flight()) least = connection;
    }
  }
  return least != nullptr ? least : connecting;
}

Connection* UpstreamLinks::PickSilent() const {
  const UpstreamLink* latest = nullptr;
  for (const UpstreamLink& link : links_) {
    if (link.alone || !link.silent() || !link.connection->HasRoom()) continue;
    if (latest == nullptr || link.silent_since > latest->silent_since) latest = &link;
  }
  return latest == nullptr ? nullptr : latest->connection.get();
}

bool UpstreamLinks::HasSpare() const {
  const bool all_silent = std::none_of(links_.begin(), links_.end(), [](const UpstreamLink& link) {
    return IsShared(link) && !link.silent();
  });
  return all_silent && Count(&IsShared) == limit_;
}

Connection* UpstreamLinks::FindSilent(MonoTime since) const {
  const auto found = std::find_if(links_.begin(), links_.end(), [since](const UpstreamLink& link) {
    const bool awaited = link.connection->in_flight() > 0;
    return IsShared(link) && link.silent() && (!awaited || link.silent_since <= since);
  });
  return found == links_.end() ? nullptr : found->connection.get();
}

std::vector<std::unique_ptr<Connection>> UpstreamLinks::OnNetworkChange(MonoTime now) {
  std::vector<std::unique_ptr<Connection>> taken;
  for (UpstreamLink& link : links_) {
    if (!link.connection->ready() || link.connection->in_flight() == 0) {
      taken.push_back(std::move(link.connection));
    } else {
      link.silent_since = now;
      link.silence_noted = true;
      link.suspect_since = MonoTime();
    }
  }
  std::erase_if(links_, [](const UpstreamLink& link) { return link.connection == nullptr; });
  return taken;
}

void UpstreamLinks::LimitDraining() {
  if (Count(&IsDraining) < limit_) return;
  std::find_if(links_.begin(), links_.end(), &IsDraining)->connection->CloseSoon();
}

size_t UpstreamLinks::Count(bool (*predicate)(const UpstreamLink&)) const {
  return static_cast<size_t>(std::count_if(links_.begin(), links_.end(), predicate));
}

}  // namespace dotcache
