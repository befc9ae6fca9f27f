// SPDX-License-Identifier: Apache-2.0
// All zones of one manager.
#ifndef DOTCACHE_UPSTREAM_EXCHANGE_ZONE_SET_H_
#define DOTCACHE_UPSTREAM_EXCHANGE_ZONE_SET_H_

#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "dns/question.h"
#include "net/endpoint.h"
#include "net/network_changes.h"
#include "upstream/api/upstream_counters.h"
#include "upstream/api/upstream_options.h"
#include "upstream/exchange/upstream_zone.h"

namespace dotcache {

// Owns the zones and finds them by name and by server. The root's zone is always present. Bound to
// its loop's thread.
class ZoneSet {
 public:
  // `numbered`: one element for each server, through the zones in order.
  ZoneSet(const UpstreamServer::Context& context, const std::vector<UpstreamZoneOptions>& options,
          absl::Span<const NumberedServer> numbered);

  // The zones are these from now on. `numbered`: as for the constructor. Zones and servers with the
  // same numbers as before stay as they are. Zones that end become former ones. Not inside a
  // callback of a server.
  void Use(const std::vector<UpstreamZoneOptions>& options,
           absl::Span<const NumberedServer> numbered);
  // Zones whose place was taken, and which have exchanges or connections.
  const std::vector<std::unique_ptr<UpstreamZone>>& former() const { return former_; }
  // Destroys those that have none. Not inside a callback of a server.
  void DropFormer();

  // The zone closest to the question's name; for a DS, closest to the name above it.
  UpstreamZone& Find(const Question& question) const;
  UpstreamZone& ZoneOf(const UpstreamServer& server) const {
    return *zone_of_server_[static_cast<size_t>(server.index())];
  }
  UpstreamZone& root() const { return *zones_.front(); }
  const std::vector<std::unique_ptr<UpstreamZone>>& all() const { return zones_; }

  // By number of server. 0.0.0.0:0 for a number or slot without an address.
  std::vector<Endpoint> Endpoints() const;

  void OnTrustChanged(absl::Span<const int> servers);
  void OnNetworkChange(const NetworkChange& change);
  void Drain();

 private:
  const UpstreamServer::Context context_;
  std::vector<std::unique_ptr<UpstreamZone>> zones_;  // The root's first.
  std::vector<std::unique_ptr<UpstreamZone>> former_;
  // By number: the latest zone with the server. Null for a number without a server.
  std::vector<UpstreamZone*> zone_of_server_;
  absl::flat_hash_map<DomainName, UpstreamZone*> zone_by_name_;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_EXCHANGE_ZONE_SET_H_
