// SPDX-License-Identifier: Apache-2.0
// Providers of two addresses each, of which one answers with errors.

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/scripted_manager.h"

namespace dotcache {
namespace {

constexpr int kProviders = 3;
constexpr int kServers = 2 * kProviders;
constexpr int kQueries = 800;

class ErringProviderTest : public testing::TestWithParam<SelectionPolicy>,
                           protected ScriptedManager {
 protected:
  ErringProviderTest() {
    options_.zones[0].policy = GetParam();
    for (int i = 0; i < kServers; ++i) AddServer(absl::StrCat("provider", i / 2));
    MakeConnector();
    // The first provider is the nearest.
    for (int i = 0; i < kServers; ++i) Answer(i);
    MakeManager();
    manager_->Start();
    loop_.Advance(Milliseconds(50));
  }

  static Duration Time(int server) { return Milliseconds(server < 2 ? 5 : 15); }
  void Answer(int server) {
    connector_->server(server).reply = [server](const UpstreamQuery& query) {
      return ScriptedReply::Message(ScriptedAnswer(query), Time(server));
    };
  }
  // Both addresses of the nearest provider answer every `part`th name with this RCODE.
  void Err(Rcode rcode, uint64_t part) {
    for (int server = 0; server < 2; ++server) {
      connector_->server(server).reply = [server, rcode, part](const UpstreamQuery& query) {
        const bool errs = absl::HashOf(query.question.qname) % part == 0;
        return ScriptedReply::Message(errs ? ScriptedError(query, rcode) : ScriptedAnswer(query),
                                      Time(server));
      };
    }
  }
  // Queries new names. Returns how many had no NOERROR response within 100 ms.
  int CountFailures() {
    int failures = kQueries;
    for (int i = 0; i < kQueries; ++i) {
      UpstreamQuery query;
      query.question = {*DomainName::FromText(absl::StrCat("n", ++number_, ".example")), QType::kA,
                        QClass::kIn};
      const MonoTime began = loop_.Now();
      (void)manager_->Exchange(query, began + Seconds(2),
                               [this, began, &failures](ExchangeOr<UpstreamResponse> r) {
                                 const bool good = r.ok() && r->facts.rcode == Rcode::kNoError;
                                 if (good && loop_.Now() - began <= Milliseconds(100)) --failures;
                               });
      loop_.Advance(Milliseconds(5));
    }
    loop_.Advance(Seconds(3));
    return failures;
  }
  int queries(int provider) {
    return connector_->server(2 * provider).queries + connector_->server(2 * provider + 1).queries;
  }

  int number_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Policies, ErringProviderTest,
                         testing::Values(SelectionPolicy::kBalanced, SelectionPolicy::kFastest,
                                         SelectionPolicy::kRoundRobin, SelectionPolicy::kRandom,
                                         SelectionPolicy::kSequential, SelectionPolicy::kWeighted,
                                         SelectionPolicy::kStickyHash),
                         [](const auto& param_info) {
                           std::string name(SelectionPolicyName(param_info.param));
                           std::erase(name, '-');
                           return name;
                         });

TEST_P(ErringProviderTest, ErrorsToEveryNameCostNoAnswer) {
  for (const Rcode rcode : {Rcode::kServFail, Rcode::kRefused}) {
    Err(rcode, 1);
    EXPECT_EQ(CountFailures(), 0);
    EXPECT_EQ(counters_[0].erring.value(), 1u);
    // While it is erring, one query a second goes to it.
    const int before = queries(0);
    EXPECT_EQ(CountFailures(), 0);
    EXPECT_LE(queries(0) - before, 10);
    for (int i = 0; i < 2; ++i) Answer(i);
    EXPECT_EQ(CountFailures(), 0);
    EXPECT_EQ(counters_[0].erring.value(), 0u);
  }
}

TEST_P(ErringProviderTest, ErrorsToHalfOfTheNamesCostNoAnswer) {
  Err(Rcode::kServFail, 2);
  EXPECT_EQ(CountFailures(), 0);
}

TEST_P(ErringProviderTest, ANameThatEveryProviderRefusesIsNoEvidence) {
  for (int i = 0; i < kServers; ++i) {
    connector_->server(i).reply = [i](const UpstreamQuery& query) {
      return ScriptedReply::Message(ScriptedError(query, Rcode::kRefused), Time(i));
    };
  }
  EXPECT_EQ(CountFailures(), kQueries);
  for (const UpstreamCounters& counters : counters_) EXPECT_EQ(counters.erring.value(), 0u);
}

}  // namespace
}  // namespace dotcache
