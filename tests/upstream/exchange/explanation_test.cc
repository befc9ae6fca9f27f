// SPDX-License-Identifier: Apache-2.0
#include "upstream/exchange/explanation.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/scripted_manager.h"

namespace dotcache {
namespace {

using testing::ElementsAre;
using testing::Field;

class ExplanationTest : public testing::Test, protected ScriptedManager {
 protected:
  ExplanationTest() {
    UpstreamZoneOptions& zone = options_.zones.emplace_back();
    zone.zone = *DomainName::FromText("corp.example");
    zone.policy = SelectionPolicy::kSequential;
    for (const char* provider : {"provider1", "provider2", "provider3"}) AddServer(provider);
    AddServer("provider4", 1);
    MakeManager();
  }

  NameExplanation Explain(const std::string& name) {
    return manager_->Explain(*DomainName::FromText(name));
  }
};

TEST_F(ExplanationTest, TheZoneIsTheClosestOneAndOnlyItsServersAreNamed) {
  const NameExplanation explanation = Explain("WWW.Corp.Example");
  EXPECT_EQ(explanation.zone, "corp.example.");
  EXPECT_EQ(explanation.policy, "sequential");
  EXPECT_FALSE(explanation.hedges);
  EXPECT_THAT(explanation.servers, ElementsAre(Field(&ServerExplanation::provider, "provider4")));
  EXPECT_EQ(explanation.servers[0].address, "192.0.2.4:853");
  EXPECT_EQ(explanation.servers[0].why, "not connected");
  EXPECT_EQ(Explain("www.example").zone, ".");
  EXPECT_EQ(Explain("www.example").servers.size(), 3u);
  EXPECT_TRUE(Explain("www.example").hedges);
}

TEST_F(ExplanationTest, ThePolicyIsTheReasonOfTheFirstServer) {
  std::vector<std::string> reasons;
  for (int policy = 0; policy <= static_cast<int>(SelectionPolicy::kStickyHash); ++policy) {
    options_.zones[0].policy = static_cast<SelectionPolicy>(policy);
    MakeManager();
    manager_->Start();
    loop_.Advance(Milliseconds(500));
    reasons.push_back(absl::StrCat(SelectionPolicyName(options_.zones[0].policy), ": ",
                                   Explain("www.example").servers[0].why));
  }
  EXPECT_THAT(
      reasons,
      ElementsAre("balanced: among the fastest (not measured)",
                  "fastest: the fastest (not measured)", "round-robin: its turn",
                  "random: selected at random", "sequential: first in the configuration",
                  "weighted: selected at random by weight", "sticky-hash: selected by the name"));
}

TEST_F(ExplanationTest, EachServerHasAReasonForItsPlace) {
  connector_->server(1).connect_failure = UpstreamFailure::kCertificate;
  connector_->server(0).reply = [](const UpstreamQuery& query) {
    return ScriptedReply::Message(ScriptedAnswer(query), Milliseconds(80));
  };
  manager_->Start();
  loop_.Advance(Milliseconds(500));
  for (int i = 0; i < 50; ++i) {
    UpstreamQuery query;
    query.question = {*DomainName::FromText("www.example"), QType::kA, QClass::kIn};
    (void)manager_->Exchange(query, loop_.Now() + Seconds(1), [](auto) {});
    loop_.Advance(Milliseconds(100));
  }
  const NameExplanation explanation = Explain("www.example");
  EXPECT_THAT(
      explanation.servers,
      ElementsAre(Field(&ServerExplanation::why, "among the fastest (10.0 ms)"),
                  Field(&ServerExplanation::why, "if the servers before it fail (slower: 80.0 ms)"),
                  Field(&ServerExplanation::why, "down: certificate: scripted")));
  const ServerExplanation& fast = explanation.servers[0];
  EXPECT_EQ(fast.provider, "provider3");
  EXPECT_EQ(fast.response_time, Milliseconds(10));
  EXPECT_EQ(fast.connections, 1u);
  EXPECT_EQ(fast.state, "up");
  const ServerExplanation& down = explanation.servers[2];
  EXPECT_EQ(down.state, "dead");
  EXPECT_EQ(down.last_failure, "certificate");
  EXPECT_EQ(down.last_cause, "scripted");
  ASSERT_TRUE(down.last_failure_ago.has_value());
  EXPECT_LT(*down.last_failure_ago, Seconds(6));
  EXPECT_EQ(fast.last_failure, "");
  EXPECT_EQ(fast.last_failure_ago, std::nullopt);
  ASSERT_TRUE(down.next_probe_in.has_value());
  EXPECT_GT(*down.next_probe_in, Seconds(10));
  EXPECT_GE(explanation.hedge_after, Milliseconds(20));
  EXPECT_LT(explanation.hedge_after, Milliseconds(25));
}

TEST_F(ExplanationTest, AProviderThatWasTakenOutIsLastAndSaysSo) {
  manager_->UseProvider("provider2", false);
  const NameExplanation explanation = Explain("www.example");
  ASSERT_EQ(explanation.servers.size(), 3u);
  EXPECT_EQ(explanation.servers.back().provider, "provider2");
  EXPECT_EQ(explanation.servers.back().why, "taken out with `dotcache ctl take-out`");
}

TEST_F(ExplanationTest, AServerBehindALinkWithoutCarrierIsNamedLast) {
  manager_->OnNetworkChange({.peers = {{0, true}}});
  const NameExplanation explanation = Explain("www.example");
  EXPECT_EQ(explanation.servers.back().provider, "provider1");
  EXPECT_EQ(explanation.servers.back().why, "the link to it has no carrier");
  EXPECT_EQ(explanation.servers.back().state, "no-carrier");
}

TEST_F(ExplanationTest, WhereAllAreDownTheNextProbeIsWithinASecond) {
  connector_->server(3).connect_failure = UpstreamFailure::kConnectRefused;
  UpstreamQuery query;
  query.question = {*DomainName::FromText("www.corp.example"), QType::kA, QClass::kIn};
  for (int i = 0; i < 300; ++i) {
    (void)manager_->Exchange(query, loop_.Now() + Seconds(1), [](auto) {});
    loop_.Advance(Milliseconds(95));
    const ServerExplanation server = Explain("www.corp.example").servers[0];
    if (server.state == "up") continue;
    ASSERT_TRUE(server.next_probe_in.has_value());
    EXPECT_GE(*server.next_probe_in, Duration::zero());
    EXPECT_LE(*server.next_probe_in, Seconds(1));
  }
  EXPECT_EQ(Explain("www.corp.example").servers[0].state, "dead");
}

TEST_F(ExplanationTest, ExplainingChangesNothing) {
  const int connects = connector_->server(0).connects;
  for (int i = 0; i < 10; ++i) Explain("www.example");
  loop_.Advance(Seconds(1));
  EXPECT_EQ(connector_->server(0).connects, connects);
}

}  // namespace
}  // namespace dotcache
