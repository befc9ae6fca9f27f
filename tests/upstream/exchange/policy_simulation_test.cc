// SPDX-License-Identifier: Apache-2.0
// Each policy, simulated: four providers with response times as they are in the world, one of which
// falls silent for a while. The random numbers have a seed, so the figures are the same each time.
#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "absl/random/distributions.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/scripted_manager.h"

namespace dotcache {
namespace {

constexpr std::array<int, 4> kMedianMs = {8, 10, 20, 35};
constexpr int kQueriesPerMs = 2;
constexpr Milliseconds kPhase{5000};

struct Figures {
  int failed = 0;
  std::vector<double> times_ms;
  std::array<double, 4> share{};  // Of the queries that reached servers, by server.
  double queries_per_question = 0;

  double Percentile(double percentile) {
    std::sort(times_ms.begin(), times_ms.end());
    const double last = static_cast<double>(times_ms.size() - 1);
    return times_ms[static_cast<size_t>(last * percentile / 100)];
  }
};

class PolicySimulationTest : public testing::Test, protected ScriptedManager {
 protected:
  void Make(SelectionPolicy policy, std::array<int, 4> weights = {1, 1, 1, 1}) {
    options_.zones.resize(1);
    options_.zones[0].policy = policy;
    for (size_t i = 0; i < kMedianMs.size(); ++i) {
      AddServer(absl::StrCat("provider", i)).weight = weights[i];
    }
    MakeManager();
    for (int i = 0; i < 4; ++i) Serve(i);
    manager_->Start();
    loop_.Advance(Milliseconds(100));
  }

  // Around the median, and one in a hundred takes ten times as long.
  void Serve(int server) {
    const double median = kMedianMs[static_cast<size_t>(server)];
    connector_->server(server).reply = [this, median](const UpstreamQuery& query) {
      double ms = median * std::exp(absl::Gaussian<double>(random_, 0, 0.25));
      if (absl::Bernoulli(random_, 0.01)) ms *= 10;
      return ScriptedReply::Message(ScriptedAnswer(query), Milliseconds(static_cast<int>(ms)));
    };
  }

  void Silence(int server) {
    connector_->server(server).reply = [](const UpstreamQuery&) {
      return ScriptedReply::Silence();
    };
  }

  // Asks for fresh names at a steady rate, for one phase.
  Figures Ask() {
    Figures figures;
    std::array<int, 4> before{};
    for (int i = 0; i < 4; ++i) before[static_cast<size_t>(i)] = connector_->server(i).queries;
    int asked = 0;
    for (Milliseconds passed{0}; passed < kPhase; passed += Milliseconds(1)) {
      for (int i = 0; i < kQueriesPerMs; ++i, ++asked) AskOne(figures);
      loop_.Advance(Milliseconds(1));
    }
    loop_.Advance(Seconds(5));
    int sent = 0;
    for (size_t i = 0; i < 4; ++i)
      sent += connector_->server(static_cast<int>(i)).queries - before[i];
    for (size_t i = 0; i < 4; ++i) {
      figures.share[i] = double(connector_->server(static_cast<int>(i)).queries - before[i]) / sent;
    }
    figures.queries_per_question = double(sent) / asked;
    EXPECT_EQ(figures.failed + static_cast<int>(figures.times_ms.size()), asked);
    return figures;
  }

  void AskOne(Figures& figures) {
    UpstreamQuery query;
    query.question = {*DomainName::FromText(absl::StrCat("n", number_++, ".example.com")),
                      QType::kA, QClass::kIn};
    const MonoTime began = loop_.Now();
    const auto id = manager_->Exchange(
        query, began + Seconds(4), [this, began, &figures](ExchangeOr<UpstreamResponse> r) {
          if (!r.ok()) {
            ++figures.failed;
            return;
          }
          const std::chrono::duration<double, std::milli> elapsed = loop_.Now() - began;
          figures.times_ms.push_back(elapsed.count());
        });
    if (!id.ok()) ++figures.failed;
  }

  // The best, falling silent while queries flow.
  Figures AskThroughAnOutage(int server) {
    Silence(server);
    Figures figures = Ask();
    Serve(server);
    return figures;
  }

  int number_ = 0;
};

TEST_F(PolicySimulationTest, BalancedKeepsTheSlowOutAndSpreadsOverTheFast) {
  Make(SelectionPolicy::kBalanced);
  Figures healthy = Ask();
  EXPECT_EQ(healthy.failed, 0);
  EXPECT_LE(healthy.Percentile(50), 12);
  EXPECT_LE(healthy.Percentile(99), 40);
  EXPECT_GT(healthy.share[0], 0.4);
  EXPECT_GT(healthy.share[1], 0.15);
  EXPECT_LT(healthy.share[2] + healthy.share[3], 0.1);
  EXPECT_LE(healthy.queries_per_question, 1.06);
  Figures outage = AskThroughAnOutage(0);
  EXPECT_EQ(outage.failed, 0);
  EXPECT_LE(outage.Percentile(99), 100);
  EXPECT_LE(outage.Percentile(100), 500);
}

TEST_F(PolicySimulationTest, FastestTakesTheBestAndLeavesItWhenItIsSilent) {
  Make(SelectionPolicy::kFastest);
  Figures healthy = Ask();
  EXPECT_EQ(healthy.failed, 0);
  EXPECT_LE(healthy.Percentile(50), 9);
  EXPECT_GT(healthy.share[0], 0.9);
  Figures outage = AskThroughAnOutage(0);
  EXPECT_EQ(outage.failed, 0);
  EXPECT_LE(outage.Percentile(99), 100);
  EXPECT_LE(outage.Percentile(100), 500);
  EXPECT_GT(outage.share[1], 0.8);
}

TEST_F(PolicySimulationTest, RoundRobinAndRandomSpreadEvenly) {
  for (const SelectionPolicy policy : {SelectionPolicy::kRoundRobin, SelectionPolicy::kRandom}) {
    options_ = {};
    number_ = 0;
    Make(policy);
    Figures healthy = Ask();
    EXPECT_EQ(healthy.failed, 0);
    for (const double share : healthy.share) EXPECT_NEAR(share, 0.25, 0.03);
    Figures outage = AskThroughAnOutage(1);
    EXPECT_EQ(outage.failed, 0);
    EXPECT_LT(outage.share[1], 0.02);
    EXPECT_LE(outage.Percentile(100), 500);
  }
}

TEST_F(PolicySimulationTest, SequentialStaysWithTheFirstAndReturnsToIt) {
  Make(SelectionPolicy::kSequential);
  Figures healthy = Ask();
  EXPECT_EQ(healthy.failed, 0);
  EXPECT_GT(healthy.share[0], 0.93);
  Figures outage = AskThroughAnOutage(0);
  EXPECT_EQ(outage.failed, 0);
  EXPECT_GT(outage.share[1], 0.85);
  EXPECT_LE(outage.Percentile(100), 500);
  loop_.Advance(Seconds(60));
  EXPECT_GT(Ask().share[0], 0.93);
}

TEST_F(PolicySimulationTest, WeightedFollowsTheWeights) {
  Make(SelectionPolicy::kWeighted, {1, 2, 3, 4});
  Figures healthy = Ask();
  EXPECT_EQ(healthy.failed, 0);
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(healthy.share[i], 0.1 * double(i + 1), 0.04);
  Figures outage = AskThroughAnOutage(3);
  EXPECT_EQ(outage.failed, 0);
  EXPECT_LT(outage.share[3], 0.03);
  EXPECT_NEAR(outage.share[2], 0.5, 0.05);
}

TEST_F(PolicySimulationTest, StickyHashSendsEachNameToOneProviderWithoutHedges) {
  Make(SelectionPolicy::kStickyHash);
  Figures healthy = Ask();
  EXPECT_EQ(healthy.failed, 0);
  for (const double share : healthy.share) EXPECT_NEAR(share, 0.25, 0.05);
  for (const UpstreamCounters& counters : counters_) EXPECT_EQ(counters.hedges.value(), 0u);
  number_ = 0;  // The same names again: the same share to the query.
  Figures again = Ask();
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(again.share[i], healthy.share[i], 0.02);
  Figures outage = AskThroughAnOutage(0);
  EXPECT_EQ(outage.failed, 0);
  EXPECT_LT(outage.share[0], 0.02);
}

}  // namespace
}  // namespace dotcache
