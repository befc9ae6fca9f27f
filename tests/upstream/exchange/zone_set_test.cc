// SPDX-License-Identifier: Apache-2.0
#include "upstream/exchange/zone_set.h"

#include "gtest/gtest.h"
#include "tests/support/scripted_zones.h"

namespace dotcache {
namespace {

// Three zones with two servers each.
class ZoneSetTest : public testing::Test, protected ScriptedZones {
 protected:
  ZoneSetTest() {
    for (const char* name : {".", "example", "corp.example"}) AddZone(name, 2);
    MakeZones();
  }
  UpstreamZone& Find(const char* name, QType qtype = QType::kA) {
    return zones_->Find({*DomainName::FromText(name), qtype});
  }
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

TEST_F(ZoneSetTest, AProviderWithoutAServerIsForgotten) {
  options_.resize(1);
  const std::vector<NumberedServer> numbered = {{6, &counters_[0]}, {1, &counters_[1]}};
  options_[0].servers[0].provider = "renamed";
  options_[0].servers[1].provider = zones_->root().server(1).options().provider;
  zones_->Use(options_, numbered);
  const std::vector<NumberedServer> next = {{7, &counters_[0]}, {1, &counters_[1]}};
  options_[0].servers[0].provider = "renamed again";
  zones_->Use(options_, next);
  EXPECT_EQ(zones_->root().provider(0).name(), zones_->root().server(1).options().provider);
  EXPECT_EQ(zones_->root().ProviderOf(0).name(), "renamed again");
  EXPECT_EQ(&zones_->root().ProviderOf(0), &zones_->root().provider(1));
}

TEST_F(ZoneSetTest, DrainReachesEveryServer) {
  zones_->Drain();
  for (const auto& zone : zones_->all()) EXPECT_TRUE(zone->server(0).drained());
}

}  // namespace
}  // namespace dotcache
