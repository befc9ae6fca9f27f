// SPDX-License-Identifier: Apache-2.0
#include "upstream/exchange/zone_set.h"

#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/idle_server_delegate.h"
#include "tests/support/scripted_connector.h"
#include "tests/support/simulated_loop.h"

namespace dotcache {
namespace {

// Three zones with two servers each.
class ZoneSetTest : public testing::Test, private IdleServerDelegate {
 protected:
  ZoneSetTest() {
    for (const char* name : {".", "example", "corp.example"}) {
      UpstreamZoneOptions& zone = options_.emplace_back();
      zone.zone = *DomainName::FromText(name);
      for (int i = 0; i < 2; ++i) {
        UpstreamServerOptions server;
        server.endpoint = *Endpoint::Parse(absl::StrCat("192.0.2.", ++addresses_, ":853"));
        zone.servers.push_back(server);
      }
    }
    zones_ = std::make_unique<ZoneSet>(context_, options_, absl::MakeSpan(counters_));
  }
  UpstreamZone& Find(const char* name, QType qtype = QType::kA) {
    return zones_->Find({*DomainName::FromText(name), qtype});
  }

  SimulatedLoop loop_;
  UpstreamLimits limits_;
  ScriptedConnector connector_{loop_, limits_};
  std::mt19937_64 random_{1};
  AddressFamilies families_{false};
  const UpstreamServer::Context context_{loop_, limits_, connector_, random_, *this, families_};
  std::vector<UpstreamZoneOptions> options_;
  std::vector<UpstreamCounters> counters_{6};
  std::unique_ptr<ZoneSet> zones_;
  int addresses_ = 0;
};

TEST_F(ZoneSetTest, TheClosestZoneHasTheName) {
  EXPECT_EQ(&Find("www.example.com"), &zones_->root());
  EXPECT_EQ(&Find("www.example"), zones_->all()[1].get());
  EXPECT_EQ(&Find("corp.example"), zones_->all()[2].get());
  EXPECT_EQ(&Find("a.b.corp.example"), zones_->all()[2].get());
}

// RFC 4035 section 3.1.4.1: the DS of a zone is in the zone above it.
TEST_F(ZoneSetTest, TheDsOfAZoneBelongsToTheZoneAbove) {
  EXPECT_EQ(&Find("example", QType::kDs), &zones_->root());
  EXPECT_EQ(&Find("corp.example", QType::kDs), zones_->all()[1].get());
  EXPECT_EQ(&Find("a.corp.example", QType::kDs), zones_->all()[2].get());
  EXPECT_EQ(&Find(".", QType::kDs), &zones_->root());
}

TEST_F(ZoneSetTest, ServersAreCountedThroughTheZones) {
  EXPECT_EQ(zones_->Endpoints().size(), 6u);
  EXPECT_EQ(zones_->Endpoints()[4].ToString(), "192.0.2.5:853");
  EXPECT_EQ(Find("example").server(1).index(), 3);
  EXPECT_EQ(&zones_->ZoneOf(Find("example").server(1)), &Find("example"));
}

TEST_F(ZoneSetTest, AChangeConcernsTheServersThatItNames) {
  zones_->OnNetworkChange({.suspended = false, .peers = {{3, /*link_down=*/true}}});
  const MonoTime now = loop_.Now();
  EXPECT_EQ(Find("example").server(0).StatusAt(now).state, ServerState::kUp);
  EXPECT_EQ(Find("example").server(1).StatusAt(now).state, ServerState::kNoCarrier);
  Find("corp.example").server(0).Prepare();
  Find("corp.example").server(1).Prepare();
  zones_->OnTrustChanged({4});
  EXPECT_EQ(connector_.server(4).connects, 2);
  EXPECT_EQ(connector_.server(5).connects, 1);
}

TEST_F(ZoneSetTest, DrainReachesEveryServer) {
  zones_->Drain();
  for (const auto& zone : zones_->all()) EXPECT_TRUE(zone->server(0).drained());
}

}  // namespace
}  // namespace dotcache
