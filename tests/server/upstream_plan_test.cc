// SPDX-License-Identifier: Apache-2.0
#include "server/upstream_plan.h"

#include <memory>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/numbered_servers.h"

namespace dotcache {
namespace {

using testing::ElementsAre;

class UpstreamPlanTest : public testing::Test {
 protected:
  UpstreamPlanTest() {
    options_.upstream.zones.resize(2);
    options_.upstream.zones[1].zone = *DomainName::FromText("corp.example");
    for (const size_t zone : {0, 0, 1}) AddNumberedServer(options_.upstream.zones, zone);
    current_ = std::make_unique<CurrentPlan>(options_);
  }
  std::vector<UpstreamServerOptions>& RootServers() { return options_.upstream.zones[0].servers; }

  std::shared_ptr<const UpstreamPlan> Use() {
    current_->Set(*current_->Next(options_));
    return current_->Get();
  }

  ServerOptions options_;
  std::unique_ptr<CurrentPlan> current_;
};

TEST_F(UpstreamPlanTest, WithoutADifferenceThePlanStays) {
  EXPECT_EQ(*current_->Next(options_), current_->Get());
  EXPECT_THAT(current_->Get()->numbers, ElementsAre(0, 1, 2));
}

TEST_F(UpstreamPlanTest, AServerWithTheSameSettingsKeepsItsNumberAndItsCounters) {
  const auto before = current_->Get();
  RootServers()[0].provider = "other";
  RootServers()[1].weight = 7;
  RootServers()[1].metered = true;
  options_.upstream.limits.idle_timeout = Milliseconds(1);
  const auto after = Use();
  EXPECT_THAT(after->numbers, ElementsAre(3, 1, 2));
  EXPECT_NE(after->counters[0][0], before->counters[0][0]);
  EXPECT_EQ(after->counters[0][1], before->counters[0][1]);
  EXPECT_EQ(after->servers[1].weight, 7);
}

TEST_F(UpstreamPlanTest, EachSettingOfAConnectionMakesAnotherServer) {
  int last = 2;
  for (const auto& change : std::vector<void (*)(UpstreamServerOptions&)>{
           [](auto& server) { server.identity.authentication_name = "dns.example"; },
           [](auto& server) { server.identity.pins.emplace_back(); },
           [](auto& server) { server.ca_file = "/ca"; },
           [](auto& server) { server.pins_file = "/pins"; },
           [](auto& server) { server.max_connections = 3; },
           [](auto& server) { server.transport = Transport::kTcp; }}) {
    const auto before = current_->Get();  // Its number stays in use.
    change(RootServers()[0]);
    const int number = Use()->numbers[0];
    EXPECT_NE(number, before->numbers[0]);
    last = std::max(last, number);
  }
  EXPECT_GT(last, 2);
}

TEST_F(UpstreamPlanTest, AServerOfAnotherZoneIsAnotherServer) {
  std::swap(options_.upstream.zones[1].servers[0], RootServers()[0]);
  const auto before = current_->Get();
  EXPECT_THAT(Use()->numbers, ElementsAre(3, 1, 4));
}

TEST_F(UpstreamPlanTest, AnotherTrustStoreOrSourceAddressKeepsNoServer) {
  const auto first = current_->Get();
  options_.upstream_ca_file = "/ca";
  EXPECT_THAT(Use()->numbers, ElementsAre(3, 4, 5));
  const auto second = current_->Get();
  options_.upstream.limits.outgoing.mark = 7;
  EXPECT_THAT(Use()->numbers, ElementsAre(6, 7, 8));
}

TEST_F(UpstreamPlanTest, NumbersAreUsedAgainWhenTheirPlansAreGone) {
  for (int i = 0; i < 1000; ++i) {
    RootServers()[0].provider = std::to_string(i);
    Use();
  }
  EXPECT_LE(current_->Get()->numbers_end, 5u);
}

}  // namespace
}  // namespace dotcache
