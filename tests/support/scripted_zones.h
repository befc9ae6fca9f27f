// SPDX-License-Identifier: Apache-2.0
// The zones of an upstream manager without the manager: the base of test fixtures.
#ifndef DOTCACHE_TESTS_SUPPORT_SCRIPTED_ZONES_H_
#define DOTCACHE_TESTS_SUPPORT_SCRIPTED_ZONES_H_

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/support/idle_server_delegate.h"
#include "tests/support/numbered_servers.h"
#include "tests/support/scripted_connector.h"
#include "tests/support/simulated_loop.h"
#include "upstream/exchange/zone_set.h"

namespace dotcache {

// A fixture adds zones and calls MakeZones(). No attempt is made. One thread.
class ScriptedZones : private IdleServerDelegate {
 protected:
  // Adds a zone with servers of consecutive addresses.
  UpstreamZoneOptions& AddZone(const std::string& name, int servers) {
    UpstreamZoneOptions& zone = options_.emplace_back();
    zone.zone = *DomainName::FromText(name);
    for (int i = 0; i < servers; ++i) AddNumberedServer(options_, options_.size() - 1);
    return zone;
  }
  void MakeZones() {
    counters_ = std::vector<UpstreamCounters>(CountServers(options_));
    zones_ =
        std::make_unique<ZoneSet>(context_, options_, NumberInOrder(absl::MakeSpan(counters_)));
  }

  SimulatedLoop loop_;
  UpstreamLimits limits_;
  ScriptedConnector connector_{loop_, limits_};
  std::mt19937_64 random_{1};
  AddressFamilies families_{false};
  const UpstreamServer::Context context_{loop_, limits_, connector_, random_, *this, families_};
  std::vector<UpstreamZoneOptions> options_;
  std::vector<UpstreamCounters> counters_;
  std::unique_ptr<ZoneSet> zones_;
};

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_SUPPORT_SCRIPTED_ZONES_H_
