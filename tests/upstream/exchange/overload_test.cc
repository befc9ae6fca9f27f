// SPDX-License-Identifier: Apache-2.0
// A provider with two addresses that drops what is too much for it.

#include <algorithm>
#include <random>
#include <vector>

#include "absl/random/distributions.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/scripted_connector.h"
#include "tests/support/scripted_manager.h"
#include "tests/support/simulated_loop.h"
#include "upstream/exchange/upstream_manager.h"

namespace dotcache {
namespace {

constexpr int kAllowedPerSecond = 50;  // By each server.
constexpr int kPerSecond = 200;
constexpr double kBurst = 10;
// The extra queries that are saved in advance: 100 retries and 50 hedges.
constexpr int kSaved = 150;

class OverloadTest : public testing::Test {
 protected:
  OverloadTest() {
    options_.zones.resize(1);
    for (int i = 0; i < 2; ++i) {
      UpstreamServerOptions server;
      server.provider = "limited";
      server.transport = Transport::kDot;
      server.endpoint = *Endpoint::Parse(absl::StrCat("192.0.2.", i + 1, ":853"));
      options_.zones[0].servers.push_back(server);
    }
    connector_ = std::make_unique<ScriptedConnector>(loop_, options_.limits);
    for (int i = 0; i < 2; ++i) {
      // A token bucket, also for signs of life.
      connector_->server(i).reply = [this, tokens = kBurst,
                                     filled = loop_.Now()](const UpstreamQuery& query) mutable {
        const std::chrono::duration<double> passed = loop_.Now() - filled;
        filled = loop_.Now();
        tokens = std::min(kBurst, tokens + passed.count() * kAllowedPerSecond);
        if (tokens < 1) return ScriptedReply::Silence();
        tokens -= 1;
        return ScriptedReply::Message(ScriptedAnswer(query), Milliseconds(2));
      };
    }
    manager_ = std::make_unique<UpstreamManager>(loop_, options_, *connector_,
                                                 absl::MakeSpan(counters_), random_);
  }

  // Returns the number of exchanges.
  int AskFor(Seconds time) {
    const int count = static_cast<int>(time.count()) * kPerSecond;
    for (int i = 0; i < count; ++i) {
      UpstreamQuery query;
      query.question = {*DomainName::FromText(absl::StrCat("n", ++number_, ".example")), QType::kA,
                        QClass::kIn};
      (void)manager_->Exchange(query, loop_.Now() + Seconds(5),
                               [](ExchangeOr<UpstreamResponse>) {});
      loop_.Advance(Milliseconds(1000) / kPerSecond);
    }
    return count;
  }

  int Queries() {
    int queries = 0;
    for (int i = 0; i < 2; ++i) {
      queries += connector_->server(i).queries + connector_->server(i).life_questions;
    }
    return queries;
  }

  SimulatedLoop loop_;
  UpstreamOptions options_;
  std::vector<UpstreamCounters> counters_{2};
  std::mt19937_64 random_{1};
  std::unique_ptr<ScriptedConnector> connector_;
  std::unique_ptr<UpstreamManager> manager_;
  int number_ = 0;
};

TEST_F(OverloadTest, ItGetsAtMostOneAndAHalfTimesTheQueries) {
  const int asked = AskFor(Seconds(60));
  EXPECT_LE(Queries(), asked * 3 / 2 + kSaved);
  EXPECT_GE(Queries(), asked);
}

TEST_F(OverloadTest, ItIsNotConnectedToInAStorm) {
  AskFor(Seconds(60));
  EXPECT_LE(connector_->server(0).connects + connector_->server(1).connects, 2 * 60 * 5);
}

// A path that loses a part of the queries is no overload. Three queries are all that one server
// gets.
class LossyPathTest : public testing::Test, protected ScriptedManager {
 protected:
  // Returns the part of the exchanges that failed, of so many in a minute.
  double FailedShare(int per_second, double loss) {
    AddServer("only").transport = Transport::kUdp;
    options_.mode.prewarm = false;
    MakeManager();
    connector_->server(0).reply = [this, loss](const UpstreamQuery& query) {
      if (absl::Bernoulli(random_, loss)) return ScriptedReply::Silence();
      return ScriptedReply::Message(ScriptedAnswer(query), Milliseconds(5));
    };
    const int count = 60 * per_second;
    int answered = 0;
    for (int i = 0; i < count; ++i) {
      UpstreamQuery query;
      query.question = {*DomainName::FromText(absl::StrCat("n", i, ".example")), QType::kA,
                        QClass::kIn};
      (void)manager_->Exchange(query, loop_.Now() + Seconds(2),
                               [&answered](ExchangeOr<UpstreamResponse> response) {
                                 answered += response.ok() ? 1 : 0;
                               });
      loop_.Advance(Milliseconds(1000) / per_second);
    }
    loop_.Advance(Seconds(3));
    return 1.0 - static_cast<double>(answered) / count;
  }
};

TEST_F(LossyPathTest, AnOnlyServerOfFewQueriesGetsEachThreeTimes) {
  EXPECT_LE(FailedShare(/*per_second=*/25, /*loss=*/0.5), 0.15);  // 0.5^3 = 0.125
}

}  // namespace
}  // namespace dotcache
