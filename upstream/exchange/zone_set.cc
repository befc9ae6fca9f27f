// SPDX-License-Identifier: Apache-2.0
#include "upstream/exchange/zone_set.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"

namespace dotcache {

ZoneSet::ZoneSet(const UpstreamServer::Context& context,
                 const std::vector<UpstreamZoneOptions>& options,
                 absl::Span<const NumberedServer> numbered)
    : context_(context) {
  Use(options, numbered);
}

void ZoneSet::Use(const std::vector<UpstreamZoneOptions>& options,
                  absl::Span<const NumberedServer> numbered) {
  std::vector<std::unique_ptr<UpstreamZone>> before = std::exchange(zones_, {});
  const auto by_name = std::exchange(zone_by_name_, {});
  for (const UpstreamZoneOptions& zone : options) {
    const auto own = numbered.subspan(0, zone.servers.size());
    numbered.remove_prefix(own.size());
    const auto found = by_name.find(zone.zone.Canonical());
    UpstreamZone* previous = found == by_name.end() ? nullptr : found->second;
    if (previous != nullptr && previous->Is(zone, own)) {
      const auto same = absl::c_find_if(
          before, [previous](const auto& candidate) { return candidate.get() == previous; });
      zones_.push_back(std::move(*same));
    } else {
      zones_.push_back(std::make_unique<UpstreamZone>(context_, zone, own, previous));
    }
    UpstreamZone* current = zones_.back().get();
    zone_by_name_[zone.zone.Canonical()] = current;
    for (const NumberedServer& server : own) {
      const auto index = static_cast<size_t>(server.index);
      if (index >= zone_of_server_.size()) zone_of_server_.resize(index + 1);
      zone_of_server_[index] = current;
    }
  }
  for (std::unique_ptr<UpstreamZone>& zone : before) {
    if (zone == nullptr) continue;
    zone->BecomeFormer([&](const UpstreamServer& server) { return &ZoneOf(server) == zone.get(); });
    former_.push_back(std::move(zone));
  }
  for (const auto& zone : zones_) zone->UseProviders();
}

void ZoneSet::DropFormer() {
  std::erase_if(former_, [this](const auto& zone) {
    if (!zone->IsOver()) return false;
    std::replace(zone_of_server_.begin(), zone_of_server_.end(), zone.get(),
                 static_cast<UpstreamZone*>(nullptr));
    return true;
  });
}

UpstreamZone& ZoneSet::Find(const Question& question) const {
  if (zones_.size() == 1) return root();
  DomainName name = question.NameInZone();
  while (name.size() > 1) {
    const auto found = zone_by_name_.find(name);
    if (found != zone_by_name_.end()) return *found->second;
    name = name.WithoutLabels(1);
  }
  return root();
}

std::vector<Endpoint> ZoneSet::Endpoints() const {
  std::vector<Endpoint> endpoints(zone_of_server_.size());
  for (const auto& zone : zones_) {
    for (size_t i = 0; i < zone->size(); ++i) {
      const UpstreamServer& server = zone->server(i);
      endpoints[static_cast<size_t>(server.index())] = server.options().endpoint;
    }
  }
  return endpoints;
}

void ZoneSet::OnTrustChanged(absl::Span<const int> servers) {
  for (const auto& zone : zones_) {
    for (size_t i = 0; i < zone->size(); ++i) {
      UpstreamServer& server = zone->server(i);
      if (absl::c_linear_search(servers, server.index())) server.OnTrustChanged();
    }
  }
}

void ZoneSet::OnNetworkChange(const NetworkChange& change) {
  for (const NetworkChange::Peer& peer : change.peers) {
    UpstreamZone* zone = zone_of_server_[peer.index];
    for (size_t i = 0; zone != nullptr && i < zone->size(); ++i) {
      UpstreamServer& server = zone->server(i);
      if (server.index() == static_cast<int>(peer.index)) server.OnNetworkChange(peer.link_down);
    }
  }
}

void ZoneSet::Drain() {
  for (const auto& zone : zones_) zone->Drain();
}

}  // namespace dotcache
