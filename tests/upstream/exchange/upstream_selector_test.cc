// SPDX-License-Identifier: Apache-2.0
#include "upstream/exchange/upstream_selector.h"

#include <algorithm>
#include <array>
#include <random>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dotcache {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

constexpr std::array<SelectionPolicy, 7> kPolicies = {
    SelectionPolicy::kBalanced,  SelectionPolicy::kFastest,    SelectionPolicy::kRoundRobin,
    SelectionPolicy::kRandom,    SelectionPolicy::kSequential, SelectionPolicy::kWeighted,
    SelectionPolicy::kStickyHash};

// What the tests set of a ServerView.
struct ServerSnapshot {
  bool absent = false;
  bool up = true;
  bool ready = false;
  int in_flight = 0;
  std::optional<Duration> response_time = std::nullopt;
  bool is_v6 = false;
  bool family_broken = false;
  MonoTime next_probe = {};
  double weight = 1;
  uint64_t provider_hash = 0;
  bool erring = false;

  ServerView View() const {
    ServerView view;
    view.status.state = absent ? ServerState::kNoAddress
                        : up   ? ServerState::kUp
                               : ServerState::kDown;
    view.status.ready = ready;
    view.status.in_flight = in_flight;
    view.status.response_time = response_time;
    view.status.is_v6 = is_v6;
    view.status.family_broken = family_broken;
    view.status.next_probe = next_probe;
    view.weight = weight;
    view.provider_hash = provider_hash;
    view.erring = erring;
    return view;
  }
};

ServerChoice Choose(UpstreamSelector& selector, const std::vector<ServerSnapshot>& servers,
                    absl::BitGenRef random, uint64_t name_hash = 0) {
  std::vector<ServerView> views;
  for (const ServerSnapshot& server : servers) views.push_back(server.View());
  return selector.Choose(views, random, name_hash);
}

ServerSnapshot Ready(int response_time_ms, int in_flight = 0) {
  return {.ready = true, .in_flight = in_flight, .response_time = Milliseconds(response_time_ms)};
}

ServerSnapshot Down(int probe_in_ms) {
  return {.up = false, .next_probe = MonoTime(Milliseconds(probe_in_ms))};
}

class UpstreamSelectorTest : public testing::Test {
 protected:
  // How often each server came first.
  std::vector<int> CountFirst(SelectionPolicy policy, std::vector<ServerSnapshot> servers,
                              int rounds = 10000) {
    UpstreamSelector selector(policy);
    std::vector<int> counts(servers.size());
    for (int i = 0; i < rounds; ++i) ++counts[Choose(selector, servers, random_).order.front()];
    return counts;
  }

  std::mt19937_64 random_{1};
};

TEST_F(UpstreamSelectorTest, AServerWithoutAddressIsInNoOrder) {
  const ServerSnapshot absent = {.absent = true, .up = false};
  for (SelectionPolicy policy : kPolicies) {
    UpstreamSelector selector(policy);
    EXPECT_THAT(Choose(selector, std::vector{absent, Ready(5), absent, Down(3)}, random_).order,
                ElementsAre(1, 3));
    EXPECT_TRUE(Choose(selector, std::vector{absent, absent}, random_).order.empty());
  }
}

TEST_F(UpstreamSelectorTest, EveryPolicyNamesEveryServerOnce) {
  for (const SelectionPolicy policy : kPolicies) {
    UpstreamSelector selector(policy);
    for (int i = 0; i < 300; ++i) {
      const auto choice = Choose(
          selector, {Ready(10), Down(5), ServerSnapshot{}, Ready(90, 3), Ready(12)}, random_);
      EXPECT_THAT(choice.order, UnorderedElementsAre(0, 1, 2, 3, 4));
    }
  }
}

TEST_F(UpstreamSelectorTest, ServersOfAnErringProviderComeAfterTheOthersAndBeforeThoseThatAreDown) {
  ServerSnapshot erring = Ready(1);
  erring.erring = true;
  for (const SelectionPolicy policy : kPolicies) {
    UpstreamSelector selector(policy);
    const auto choice = Choose(selector, {Down(1), erring, Ready(90)}, random_);
    EXPECT_THAT(choice.order, ElementsAre(2, 1, 0)) << SelectionPolicyName(policy);
  }
}

TEST_F(UpstreamSelectorTest, ServersThatAreDownComeLastByTheirNextProbe) {
  for (const SelectionPolicy policy : kPolicies) {
    UpstreamSelector selector(policy);
    const auto choice = Choose(selector, {Down(9), Ready(10), Down(7)}, random_);
    EXPECT_THAT(choice.order, ElementsAre(1, 2, 0)) << SelectionPolicyName(policy);
  }
}

TEST_F(UpstreamSelectorTest, WhenAllAreDownAllAreStillTried) {
  UpstreamSelector selector(SelectionPolicy::kBalanced);
  const auto choice = Choose(selector, {Down(9), Down(8), Down(7)}, random_);
  EXPECT_THAT(choice.order, ElementsAre(2, 1, 0));
  EXPECT_EQ(choice.connect, std::nullopt);
}

TEST_F(UpstreamSelectorTest, AConnectedServerGoesBeforeOneThatIsNotAndThatOneIsConnected) {
  UpstreamSelector selector(SelectionPolicy::kSequential);
  const auto choice = Choose(selector, {ServerSnapshot{}, Ready(90), Ready(10)}, random_);
  EXPECT_THAT(choice.order, ElementsAre(1, 2, 0));
  EXPECT_EQ(choice.connect, 0);
}

TEST_F(UpstreamSelectorTest, NoUselessConnectWhenNoServerIsReady) {
  UpstreamSelector selector(SelectionPolicy::kSequential);
  const auto choice = Choose(selector, {ServerSnapshot{}, ServerSnapshot{}}, random_);
  EXPECT_THAT(choice.order, ElementsAre(0, 1));
  EXPECT_EQ(choice.connect, std::nullopt);
}

TEST_F(UpstreamSelectorTest, SequentialKeepsTheConfiguredOrder) {
  UpstreamSelector selector(SelectionPolicy::kSequential);
  EXPECT_THAT(Choose(selector, {Ready(90), Ready(10), Ready(50)}, random_).order,
              ElementsAre(0, 1, 2));
}

TEST_F(UpstreamSelectorTest, RoundRobinTakesTurns) {
  EXPECT_THAT(CountFirst(SelectionPolicy::kRoundRobin, {Ready(90), Ready(10), Ready(50)}, 300),
              ElementsAre(100, 100, 100));
}

TEST_F(UpstreamSelectorTest, RoundRobinStaysEvenWhenOneIsDown) {
  EXPECT_THAT(CountFirst(SelectionPolicy::kRoundRobin, {Ready(90), Down(1), Ready(50)}, 300),
              ElementsAre(150, 0, 150));
}

TEST_F(UpstreamSelectorTest, RandomIsEven) {
  for (const int count : CountFirst(SelectionPolicy::kRandom, {Ready(90), Ready(10), Ready(50)})) {
    EXPECT_NEAR(count, 3333, 200);
  }
}

TEST_F(UpstreamSelectorTest, FastestTakesTheFastestAndExploresOneInAHundred) {
  const std::vector<int> counts =
      CountFirst(SelectionPolicy::kFastest, {Ready(30), Ready(10), Ready(20)});
  EXPECT_NEAR(counts[1], 9900, 50);
  EXPECT_NEAR(counts[0], 50, 35);
  EXPECT_NEAR(counts[2], 50, 35);
}

TEST_F(UpstreamSelectorTest, FastestTriesUnknownServersOneQueryAtATime) {
  UpstreamSelector selector(SelectionPolicy::kFastest);
  EXPECT_GT(CountFirst(SelectionPolicy::kFastest, {Ready(10), {.ready = true}})[1], 9800);
  EXPECT_LT(CountFirst(SelectionPolicy::kFastest, {Ready(10), {.ready = true, .in_flight = 1}})[1],
            200);
}

TEST_F(UpstreamSelectorTest, BalancedSpreadsOverThoseWithinTheBandOfTheBest) {
  const std::vector<int> counts =
      CountFirst(SelectionPolicy::kBalanced, {Ready(10), Ready(14), Ready(100)});
  EXPECT_NEAR(counts[0], 9900 * 14 / 24, 250);  // Inverse to the response time.
  EXPECT_NEAR(counts[1], 9900 * 10 / 24, 250);
  EXPECT_NEAR(counts[2], 100, 40);  // Exploration alone.
}

TEST_F(UpstreamSelectorTest, BalancedLeavesBusyServersAlone) {
  const std::vector<int> counts =
      CountFirst(SelectionPolicy::kBalanced, {Ready(10, 9), Ready(10, 0)});
  EXPECT_NEAR(counts[0], 10000 / 11, 150);
}

TEST_F(UpstreamSelectorTest, BalancedTriesUnknownServers) {
  const std::vector<int> counts =
      CountFirst(SelectionPolicy::kBalanced, {Ready(10), {.ready = true}, {.ready = true}});
  for (const int count : counts) EXPECT_NEAR(count, 3333, 250);
}

TEST_F(UpstreamSelectorTest, BalancedIsEvenWhileNothingIsKnown) {
  for (const int count :
       CountFirst(SelectionPolicy::kBalanced, {ServerSnapshot{}, ServerSnapshot{}})) {
    EXPECT_NEAR(count, 5000, 250);
  }
}

TEST_F(UpstreamSelectorTest, WeightedDrawsInProportion) {
  std::vector<ServerSnapshot> servers = {Ready(10), Ready(90), Ready(10)};
  servers[0].weight = 6;
  servers[1].weight = 3;
  servers[2].weight = 1;
  const std::vector<int> counts = CountFirst(SelectionPolicy::kWeighted, servers);
  EXPECT_NEAR(counts[0], 6000, 300);
  EXPECT_NEAR(counts[1], 3000, 300);
  EXPECT_NEAR(counts[2], 1000, 200);
}

// Three providers, the first with two addresses.
std::vector<ServerSnapshot> Providers() {
  std::vector<ServerSnapshot> servers = {Ready(20), Ready(10), Ready(10), Ready(10)};
  const uint64_t hashes[] = {111, 111, 222, 333};
  for (size_t i = 0; i < servers.size(); ++i) servers[i].provider_hash = hashes[i];
  return servers;
}

TEST_F(UpstreamSelectorTest, StickyHashSendsANameToOneProviderWhateverItsConnections) {
  UpstreamSelector selector(SelectionPolicy::kStickyHash);
  std::vector<ServerSnapshot> servers = Providers();
  for (uint64_t name = 0; name < 1000; ++name) {
    const auto first = Choose(selector, servers, random_, name);
    for (const bool ready : {false, true}) {
      servers[2].ready = servers[3].ready = ready;
      servers[3].in_flight = 50;
      const auto again = Choose(selector, servers, random_, name);
      EXPECT_EQ(servers[again.order.front()].provider_hash,
                servers[first.order.front()].provider_hash);
    }
  }
}

TEST_F(UpstreamSelectorTest, StickyHashSpreadsNamesEvenlyOverProviders) {
  UpstreamSelector selector(SelectionPolicy::kStickyHash);
  const std::vector<ServerSnapshot> servers = Providers();
  std::vector<int> counts(servers.size());
  for (uint64_t name = 0; name < 9000; ++name) {
    ++counts[Choose(selector, servers, random_, name * 0x9e3779b97f4a7c15).order.front()];
  }
  EXPECT_EQ(counts[0], 0);  // Its provider has a faster address.
  for (size_t i = 1; i < counts.size(); ++i) EXPECT_NEAR(counts[i], 3000, 200);
}

TEST_F(UpstreamSelectorTest, UnderStickyHashAProviderThatIsDownMovesOnlyItsOwnNames) {
  UpstreamSelector selector(SelectionPolicy::kStickyHash);
  std::vector<ServerSnapshot> servers = Providers();
  for (uint64_t name = 0; name < 1000; ++name) {
    servers[3].up = true;
    const uint8_t before = Choose(selector, servers, random_, name).order.front();
    servers[3].up = false;
    const uint8_t after = Choose(selector, servers, random_, name).order.front();
    EXPECT_TRUE(before == 3 || before == after) << name;
    EXPECT_NE(after, 3);
  }
}

TEST_F(UpstreamSelectorTest, ServersOfABrokenFamilyComeAfterTheOthers) {
  for (const SelectionPolicy policy : kPolicies) {
    UpstreamSelector selector(policy);
    for (int i = 0; i < 100; ++i) {
      const auto choice = Choose(
          selector, {{.is_v6 = true, .family_broken = true}, {.is_v6 = false}, Down(7)}, random_);
      EXPECT_THAT(choice.order, ElementsAre(1, 0, 2)) << SelectionPolicyName(policy);
    }
  }
}

TEST_F(UpstreamSelectorTest, AQueryThatWaitsForAConnectionTriesTheOtherFamilyNext) {
  const std::vector<ServerSnapshot> servers = {
      {.is_v6 = true}, {.is_v6 = true}, {.is_v6 = true}, {.is_v6 = false}};
  for (const SelectionPolicy policy : kPolicies) {
    UpstreamSelector selector(policy);
    for (int i = 0; i < 100; ++i) {
      const auto order = Choose(selector, servers, random_).order;
      EXPECT_NE(servers[order[0]].is_v6, servers[order[1]].is_v6) << SelectionPolicyName(policy);
    }
  }
  std::vector<ServerSnapshot> connected = servers;
  connected[0].ready = true;
  UpstreamSelector selector(SelectionPolicy::kSequential);
  EXPECT_THAT(Choose(selector, connected, random_).order, ElementsAre(0, 1, 2, 3));
}

TEST_F(UpstreamSelectorTest, StickyHashRacesWithinTheProvider) {
  UpstreamSelector selector(SelectionPolicy::kStickyHash);
  for (uint64_t name = 0; name < 100; ++name) {
    const auto order = Choose(selector,
                              {{.is_v6 = true, .provider_hash = 1},
                               {.is_v6 = true, .provider_hash = 1},
                               {.is_v6 = false, .provider_hash = 1},
                               {.is_v6 = false, .provider_hash = 2}},
                              random_, name)
                           .order;
    const bool second_provider = order[0] == 3;
    EXPECT_EQ(order[1], second_provider ? 0 : (order[0] == 2 ? 0 : 2));
  }
}

}  // namespace
}  // namespace dotcache
