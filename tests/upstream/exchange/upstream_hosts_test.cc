// SPDX-License-Identifier: Apache-2.0
#include "upstream/exchange/upstream_hosts.h"

#include <string>

#include "gtest/gtest.h"
#include "tests/support/fake_exchanger.h"
#include "tests/support/host_round.h"
#include "tests/support/scripted_manager.h"

namespace dotcache {
namespace {

constexpr absl::string_view kHost = "dns.example.net";

// A manager whose root zone has one host name, resolved by hand.
class UpstreamHostsTest : public testing::Test, protected ScriptedManager {
 protected:
  UpstreamHostsTest() { options_.zones[0].policy = SelectionPolicy::kSequential; }
  ~UpstreamHostsTest() override { manager_.reset(); }  // It uses the exchanger.

  void Make() {
    AddHost(kHost);
    MakeManager();
    manager_->ResolveHostsBy(bootstrap_);
    manager_->Start();
    loop_.RunUntilIdle();
  }

  using Outcome = std::optional<ExchangeFailure>;  // nullopt while the query waits.

  std::shared_ptr<Outcome> Ask(Duration deadline = Seconds(4)) {
    auto outcome = std::make_shared<Outcome>();
    UpstreamQuery query;
    query.question = {*DomainName::FromText("www.example.com"), QType::kA, QClass::kIn};
    const auto id = manager_->Exchange(
        query, loop_.Now() + deadline,
        [outcome](ExchangeOr<UpstreamResponse> response) { *outcome = response.failure(); });
    if (!id.ok()) *outcome = id.failure();
    return outcome;
  }

  Outcome AskAndWait() {
    const auto outcome = Ask();
    loop_.Advance(Milliseconds(50));
    return *outcome;
  }

  // Ends the round under way: these addresses, or none to be had.
  void Resolve(const std::vector<std::string>& addresses) {
    EndHostRound(bootstrap_, kHost, addresses);
  }
  void FailToResolve() {
    for (size_t call = bootstrap_.calls().size() - 2; call < bootstrap_.calls().size(); ++call) {
      bootstrap_.Fail(call, ExchangeFailure::kUnreachable);
    }
  }
  int queries(int slot) { return connector_->server(slot).queries; }

  FakeExchanger bootstrap_;
};

TEST_F(UpstreamHostsTest, AQueryWaitsForTheFirstAddress) {
  Make();
  const auto outcome = Ask();
  loop_.Advance(Seconds(1));
  EXPECT_EQ(*outcome, std::nullopt);
  Resolve({"192.0.2.1"});
  loop_.Advance(Milliseconds(20));
  EXPECT_EQ(*outcome, ExchangeFailure::kNone);
  EXPECT_TRUE(manager_->ready());
}

TEST_F(UpstreamHostsTest, AQueryWaitsForAProviderThatIsPutBack) {
  AddServer("by-address");
  Make();
  manager_->UseProvider("by-address", false);
  const auto outcome = Ask();
  loop_.Advance(Milliseconds(100));
  EXPECT_EQ(*outcome, std::nullopt);
  manager_->UseProvider("by-address", true);
  loop_.Advance(Milliseconds(50));
  EXPECT_EQ(*outcome, ExchangeFailure::kNone);
}

TEST_F(UpstreamHostsTest, SoManyQueriesWaitAndOneThatEndedLeavesItsPlace) {
  constexpr int kMostWaiting = 4096;
  options_.limits.tuning.max_in_flight_per_connection = kMostWaiting;
  Make();
  Ask(Seconds(1));
  std::vector<std::shared_ptr<Outcome>> waiting;
  for (int i = 1; i < kMostWaiting; ++i) waiting.push_back(Ask());
  EXPECT_EQ(*Ask(), ExchangeFailure::kLimit);
  loop_.Advance(Seconds(1));  // The first has reached its deadline.
  waiting.push_back(Ask());
  EXPECT_EQ(*Ask(), ExchangeFailure::kLimit);
  Resolve({"192.0.2.1"});
  loop_.Advance(Milliseconds(500));
  for (const auto& outcome : waiting) EXPECT_EQ(*outcome, ExchangeFailure::kNone);
}

TEST_F(UpstreamHostsTest, AQueryWaitsNoLongerThanItsDeadline) {
  Make();
  const auto outcome = Ask(Seconds(1));
  loop_.Advance(Seconds(1));
  EXPECT_EQ(*outcome, ExchangeFailure::kTimeout);
  EXPECT_EQ(manager_->exchange_count(), 0u);
  Resolve({"192.0.2.1"});  // It is not there any more.
  loop_.Advance(Seconds(1));
}

TEST_F(UpstreamHostsTest, OnceItCannotBeResolvedQueriesFailAtOnceAndHaveItTriedAgain) {
  Make();
  const auto waiting = Ask();
  testing::internal::CaptureStderr();
  FailToResolve();
  loop_.RunUntilIdle();
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_NE(log.find("upstream cannot be resolved provider=dns.example.net "
                     "cause=\"no bootstrap server could be reached\" addresses=none"),
            std::string::npos)
      << log;
  EXPECT_NE(log.find("no upstream reachable zone=."), std::string::npos) << log;
  EXPECT_EQ(*waiting, ExchangeFailure::kUnreachable);
  for (int i = 0; i < 4; ++i) {  // The back-off would be 8 s by now.
    EXPECT_EQ(*Ask(), ExchangeFailure::kUnreachable);
    loop_.Advance(Milliseconds(1300));
    FailToResolve();
  }
  EXPECT_EQ(*Ask(), ExchangeFailure::kUnreachable);
  loop_.Advance(Milliseconds(1000));
  Resolve({"192.0.2.1"});
  const auto outcome = Ask();
  loop_.Advance(Milliseconds(20));
  EXPECT_EQ(*outcome, ExchangeFailure::kNone);
}

TEST_F(UpstreamHostsTest, WithOtherServersNoQueryWaits) {
  UpstreamServerOptions server;
  server.provider = "other";
  options_.zones[0].servers.push_back(server);
  Make();
  const auto outcome = Ask();
  loop_.Advance(Milliseconds(20));
  EXPECT_EQ(*outcome, ExchangeFailure::kNone);
  EXPECT_EQ(queries(0), 1);
}

TEST_F(UpstreamHostsTest, EachAddressHasASlotAndEmptySlotsAreNotQueried) {
  Make();
  Resolve({"192.0.2.1", "192.0.2.2"});
  loop_.Advance(Milliseconds(20));
  EXPECT_EQ(connector_->server(0).connects, 1);  // Prewarmed.
  EXPECT_EQ(connector_->server(1).connects, 1);
  EXPECT_EQ(connector_->server(2).connects, 0);
  EXPECT_EQ(counters_[1].present.value(), 1u);
  EXPECT_EQ(counters_[2].present.value(), 0u);
  EXPECT_EQ(counters_[2].up.value(), 0u);
}

TEST_F(UpstreamHostsTest, WhatIsInFlightToAnAddressThatGoesIsStillAnswered) {
  options_.limits.idle_timeout = Seconds(600);
  Make();
  Resolve({"192.0.2.1", "192.0.2.2"});
  loop_.Advance(Milliseconds(20));
  connector_->server(0).reply = [](const UpstreamQuery& query) {
    return ScriptedReply::Message(ScriptedAnswer(query), Milliseconds(80));
  };
  loop_.Advance(Milliseconds(59500));
  const auto outcome = Ask();
  EXPECT_EQ(queries(0), 1);
  loop_.Advance(Milliseconds(500));  // The TTL is over.
  const auto second = Ask();
  Resolve({"192.0.2.2", "192.0.2.3"});
  EXPECT_EQ(counters_[0].open_connections.value(), 0u);
  loop_.Advance(Milliseconds(400));
  EXPECT_EQ(*outcome, ExchangeFailure::kNone);
  EXPECT_EQ(*second, ExchangeFailure::kNone);
  EXPECT_EQ(connector_->server(0).connects, 2);  // The new address in the old one's place.
  EXPECT_EQ(connector_->server(1).connects, 1);  // What stays keeps its connection.
}

// The query would be in the books of the server that has the place now.
TEST_F(UpstreamHostsTest, AnAddressThatIsGoneGetsNoQueryWithLessEdns) {
  Make();
  Resolve({"192.0.2.1"});
  loop_.Advance(Milliseconds(59960));
  connector_->server(0).reply = [](const UpstreamQuery& query) {
    UpstreamQuery plain = query;
    plain.edns = EdnsUse::kNone;
    return ScriptedReply::Message(ScriptedError(plain, Rcode::kFormErr), Milliseconds(80));
  };
  const auto outcome = Ask();
  loop_.Advance(Milliseconds(40));
  Resolve({"192.0.2.2"});
  loop_.Advance(Milliseconds(100));
  EXPECT_EQ(*outcome, ExchangeFailure::kNone);  // The FORMERR is the result.
  EXPECT_EQ(queries(0), 1);
  connector_->server(0).reply = [](const UpstreamQuery& query) {
    return ScriptedReply::Message(ScriptedAnswer(query), Milliseconds(5));
  };
  EXPECT_EQ(AskAndWait(), ExchangeFailure::kNone);
  EXPECT_EQ(connector_->server(0).latest_endpoint.ToString(), "192.0.2.2:853");
}

TEST_F(UpstreamHostsTest, WhenAllItsAddressesAreDownItIsResolvedAgain) {
  Make();
  Resolve({"192.0.2.1"});
  loop_.Advance(Seconds(10));
  connector_->server(0).connect_failure = UpstreamFailure::kConnectRefused;
  testing::internal::CaptureStderr();
  connector_->Disconnect(0);
  Ask();
  loop_.Advance(Milliseconds(100));
  EXPECT_NE(testing::internal::GetCapturedStderr().find("no upstream reachable zone=."),
            std::string::npos);
  ASSERT_EQ(bootstrap_.calls().size(), 4u);
  connector_->server(0).connect_failure = std::nullopt;  // The new one.
  Resolve({"192.0.2.9"});
  EXPECT_EQ(AskAndWait(), ExchangeFailure::kNone);
}

TEST_F(UpstreamHostsTest, ALineForEachChangeAndNoneWithout) {
  Make();
  testing::internal::CaptureStderr();
  Resolve({"192.0.2.1"});
  EXPECT_NE(testing::internal::GetCapturedStderr().find(
                "upstream resolved provider=dns.example.net addresses=192.0.2.1:853"),
            std::string::npos);
  loop_.Advance(Seconds(60));
  testing::internal::CaptureStderr();
  Resolve({"192.0.2.1"});
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  loop_.Advance(Seconds(60));
  testing::internal::CaptureStderr();
  FailToResolve();
  EXPECT_NE(testing::internal::GetCapturedStderr().find("addresses=\"the previous ones\""),
            std::string::npos);
  EXPECT_EQ(AskAndWait(), ExchangeFailure::kNone);
}

TEST_F(UpstreamHostsTest, ASlotWithoutAnAddressIsNeverConnectedTo) {
  Make();
  manager_->OnTrustChanged({0, 1});
  Resolve({"192.0.2.1"});
  manager_->OnTrustChanged({0, 1});
  loop_.Advance(Seconds(1));
  EXPECT_GE(connector_->server(0).connects, 1);
  EXPECT_EQ(connector_->server(1).connects, 0);
}

TEST_F(UpstreamHostsTest, NoQueryIsSentOnceItDrains) {
  Make();
  Resolve({"192.0.2.1"});
  manager_->Drain();
  loop_.Advance(Seconds(3600));
  EXPECT_EQ(bootstrap_.calls().size(), 2u);
}

}  // namespace
}  // namespace dotcache
