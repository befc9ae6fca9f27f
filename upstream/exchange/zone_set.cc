// SPDX-License-Identifier: Apache-2.0
#include "upstream/exchange/zone_set.h"

#include "absl/algorithm/container.h"

namespace dotcache {

ZoneSet::ZoneSet(const UpstreamServer::Context& context,
                 const std::vector<UpstreamZoneOptions>& options,
                 absl::Span<UpstreamCounters> counters) {
  size_t index = 0;
  for (const UpstreamZoneOptions& zone : options) {
    const size_t servers = zone.servers.size();
    zones_.push_back(std::make_unique<UpstreamZone>(context, zone, static_cast<int>(index),
                                                    counters.subspan(index, servers)));
    zone_by_name_[zone.zone.Canonical()] = zones_.back().get();
    zone_of_server_.insert(zone_of_server_.end(), servers, zones_.back().get());
    index += servers;
  }
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
  std::vector<Endpoint> endpoints;
  for (const auto& zone : zones_) {
    for (size_t i = 0; i < zone->size(); ++i) {
      endpoints.push_back(zone->server(i).options().endpoint);
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
    UpstreamZone& zone = *zone_of_server_[peer.index];
    for (size_t i = 0; i < zone.size(); ++i) {
      UpstreamServer& server = zone.server(i);
      if (server.index() == static_cast<int>(peer.index)) server.OnNetworkChange(peer.link_down);
    }
  }
}

void ZoneSet::Drain() {
  for (const auto& zone : zones_) zone->Drain();
}

}  // namespace dotcache
