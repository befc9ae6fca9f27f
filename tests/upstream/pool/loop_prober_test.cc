// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/loop_prober.h"

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/scripted_connector.h"
#include "tests/support/simulated_loop.h"
#include "upstream/exchange/upstream_manager.h"
#include "upstream/pool/loop_probe.h"

namespace dotcache {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class LoopProberTest : public testing::Test {
 protected:
  LoopProberTest() { options_.zones.resize(1); }

  void AddServer(const std::string& address) {
    UpstreamServerOptions server;
    server.endpoint = *Endpoint::ParseAddress(address, 853);
    options_.zones.back().servers.push_back(server);
    NoteProbes(static_cast<int>(count_++));
  }

  // Answers, and notes the names of probes; when `loops_`, each of them comes back first.
  void NoteProbes(int index) {
    connector_.server(index).reply = [this, index](const UpstreamQuery& query) {
      if (ReadLoopProbeName(query.question.qname)) {
        probes_.push_back(query.question.qname.ToString());
        probed_.push_back(index);
        if (loops_ && watch_->OnQuery(query.question.qname)) ++returned_;
      }
      if (silent_) return ScriptedReply::Silence();
      return ScriptedReply::Message(ScriptedError(query, Rcode::kNxDomain), Milliseconds(5));
    };
  }

  void Start() {
    watch_ = std::make_unique<LoopWatch>(count_);
    counters_ = std::vector<UpstreamCounters>(count_);
    prober_ = std::make_unique<LoopProber>(LoopProber::Context{loop_, connector_, *watch_, random_},
                                           options_, absl::MakeSpan(counters_));
    prober_->Start();
    loop_.Advance(Milliseconds(100));
  }

  SimulatedLoop loop_;
  UpstreamOptions options_;
  ScriptedConnector connector_{loop_, options_.limits};
  std::mt19937_64 random_{1};
  size_t count_ = 0;
  bool loops_ = false;
  bool silent_ = false;
  int returned_ = 0;
  std::vector<std::string> probes_;
  std::vector<int> probed_;
  std::vector<UpstreamCounters> counters_;
  std::unique_ptr<LoopWatch> watch_;
  std::unique_ptr<LoopProber> prober_;
};

TEST_F(LoopProberTest, OnlyServersThatMayLeadBackAreProbedEachInItsZone) {
  AddServer("9.9.9.9");
  AddServer("10.0.0.1");
  options_.zones.emplace_back().zone = *DomainName::FromText("corp.example");
  AddServer("127.0.0.53");
  Start();
  EXPECT_THAT(probed_, ElementsAre(1, 2));
  EXPECT_THAT(probes_[0], testing::EndsWith("._loop-check."));
  EXPECT_THAT(probes_[1], testing::EndsWith("._loop-check.corp.example."));
  EXPECT_EQ(connector_.server(0).connects, 0);
  EXPECT_EQ(connector_.open_connections(1), 0);  // Its connection is gone.
}

TEST_F(LoopProberTest, NoneIsProbedWhereItIsSwitchedOff) {
  AddServer("10.0.0.1");
  options_.loop_check = false;
  Start();
  loop_.Advance(Seconds(300));
  EXPECT_THAT(probes_, testing::IsEmpty());
}

TEST_F(LoopProberTest, AServerThatIsNoLoopIsProbedEachMinuteWithAnotherName) {
  AddServer("10.0.0.1");
  Start();
  loop_.Advance(LoopProber::kInterval - Seconds(1));
  EXPECT_THAT(probes_, SizeIs(1));
  loop_.Advance(Seconds(2));
  ASSERT_THAT(probes_, SizeIs(2));
  EXPECT_NE(probes_[0], probes_[1]);
  EXPECT_FALSE(watch_->loops(0));
  EXPECT_EQ(counters_[0].queries.value(), 0u);  // No query of the server's.
}

TEST_F(LoopProberTest, ALoopIsLoggedAndEndsWithTheFirstTestQueryThatDoesNotComeBack) {
  AddServer("10.0.0.1");
  loops_ = true;
  testing::internal::CaptureStderr();
  Start();
  EXPECT_TRUE(watch_->loops(0));
  EXPECT_EQ(counters_[0].loops.value(), 1u);
  loop_.Advance(LoopProber::kSoon);
  EXPECT_EQ(returned_, 2);
  loops_ = false;
  loop_.Advance(LoopProber::kSoon);
  EXPECT_FALSE(watch_->loops(0));
  EXPECT_EQ(counters_[0].loops.value(), 0u);
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("error forwarding loop"));
  EXPECT_EQ(log.find("error forwarding loop"), log.rfind("error forwarding loop"));  // Once.
  EXPECT_THAT(log, HasSubstr("the forwarding loop has ended"));
}

TEST_F(LoopProberTest, SilenceProvesNothing) {
  AddServer("10.0.0.1");
  loops_ = true;
  Start();
  loops_ = false;
  silent_ = true;
  loop_.Advance(LoopProber::kSoon + LoopProber::kPatience + Seconds(1));
  EXPECT_TRUE(watch_->loops(0));
  EXPECT_EQ(connector_.open_connections(0), 0);  // Not waited for any longer.
  silent_ = false;
  loop_.Advance(LoopProber::kSoon);
  EXPECT_FALSE(watch_->loops(0));
}

TEST_F(LoopProberTest, AnUnreachableServerIsTestedSoonAgain) {
  AddServer("10.0.0.1");
  connector_.server(0).connect_failure = UpstreamFailure::kConnectRefused;
  Start();
  loop_.Advance(Seconds(35));
  EXPECT_EQ(connector_.server(0).connects, 4);
  connector_.server(0).connect_failure = std::nullopt;
  loop_.Advance(Seconds(10));
  EXPECT_THAT(probes_, SizeIs(1));
}

TEST_F(LoopProberTest, StoppedItSendsNoMoreThoughTheNetworkChanges) {
  AddServer("10.0.0.1");
  Start();
  prober_->Stop();
  loop_.Advance(Seconds(300));
  EXPECT_THAT(probes_, SizeIs(1));
  prober_->Start();
  prober_->SetAddresses({*Endpoint::ParseAddress("10.0.0.2", 853)});
  loop_.Advance(Seconds(300));
  EXPECT_THAT(probes_, SizeIs(1));
}

TEST_F(LoopProberTest, AServerByHostNameIsProbedWhereItIs) {
  AddServer("0.0.0.0");
  options_.zones[0].servers[0].host = "dns.example";
  Start();
  EXPECT_THAT(probes_, testing::IsEmpty());
  loops_ = true;
  prober_->SetAddresses({*Endpoint::ParseAddress("10.0.0.1", 853)});
  loop_.Advance(Milliseconds(100));
  EXPECT_THAT(probes_, SizeIs(1));
  EXPECT_TRUE(watch_->loops(0));
  EXPECT_EQ(connector_.server(0).latest_endpoint.ToString(), "10.0.0.1:853");
  prober_->SetAddresses({*Endpoint::ParseAddress("10.0.0.1", 853)});  // As before.
  loop_.Advance(Milliseconds(100));
  EXPECT_THAT(probes_, SizeIs(1));
}

TEST_F(LoopProberTest, WhatAnAddressWasIsForgottenWithIt) {
  AddServer("10.0.0.1");
  loops_ = true;
  Start();
  ASSERT_TRUE(watch_->loops(0));
  prober_->SetAddresses({*Endpoint::ParseAddress("9.9.9.9", 853)});
  EXPECT_FALSE(watch_->loops(0));
  EXPECT_EQ(counters_[0].loops.value(), 0u);
  loop_.Advance(Seconds(300));
  EXPECT_THAT(probes_, SizeIs(1));
  prober_->SetAddresses({*Endpoint::ParseAddress("10.0.0.2", 853)});
  loop_.Advance(Milliseconds(100));
  EXPECT_THAT(probes_, SizeIs(2));
  EXPECT_TRUE(watch_->loops(0));
}

TEST_F(LoopProberTest, AServerThatMovesDuringATestIsTestedAnew) {
  AddServer("10.0.0.1");
  silent_ = true;
  Start();
  silent_ = false;
  prober_->SetAddresses({*Endpoint::ParseAddress("10.0.0.2", 853)});
  loop_.Advance(Milliseconds(100));
  EXPECT_THAT(probes_, SizeIs(2));
  EXPECT_EQ(connector_.open_connections(0), 0);
}

// What becomes of queries, with the real manager.
class LoopingServerTest : public LoopProberTest {
 protected:
  void MakeManager() {
    options_.mode.prewarm = false;
    options_.zones[0].policy = SelectionPolicy::kSequential;
    manager_ = std::make_unique<UpstreamManager>(loop_, options_, connector_,
                                                 absl::MakeSpan(counters_), random_, watch_.get());
  }
  std::optional<ExchangeFailure> Ask(const DomainName& name) {
    UpstreamQuery query;
    query.question = {name, QType::kA, QClass::kIn};
    std::optional<ExchangeFailure> failure;
    const auto id = manager_->Exchange(
        query, loop_.Now() + Seconds(4),
        [&failure](ExchangeOr<UpstreamResponse> response) { failure = response.failure(); });
    if (!id.ok()) return id.failure();
    loop_.Advance(Seconds(4));
    return failure;
  }
  std::unique_ptr<UpstreamManager> manager_;
};

TEST_F(LoopingServerTest, AnOnlyServerThatLoopsFailsQueriesAtOnce) {
  AddServer("10.0.0.1");
  loops_ = true;
  Start();
  MakeManager();
  const int before = connector_.server(0).queries;
  const MonoTime began = loop_.Now();
  EXPECT_EQ(Ask(*DomainName::FromText("www.example.com")), ExchangeFailure::kLoop);
  EXPECT_EQ(loop_.Now(), began);
  EXPECT_EQ(connector_.server(0).queries, before);
}

TEST_F(LoopingServerTest, TheOtherServersServe) {
  AddServer("10.0.0.1");
  AddServer("9.9.9.9");
  loops_ = true;
  Start();
  MakeManager();
  EXPECT_EQ(Ask(*DomainName::FromText("www.example.com")), ExchangeFailure::kNone);
  EXPECT_EQ(connector_.server(0).queries, 1);  // The probe.
  EXPECT_EQ(connector_.server(1).queries, 1);
}

TEST_F(LoopingServerTest, TheReasonWhyItIsNotQueriedIsShown) {
  AddServer("10.0.0.1");
  AddServer("9.9.9.9");
  loops_ = true;
  Start();
  MakeManager();
  const NameExplanation explanation = manager_->Explain(*DomainName::FromText("www.example.com"));
  EXPECT_EQ(explanation.servers[0].address, "9.9.9.9:853");
  EXPECT_THAT(explanation.servers[1].why, HasSubstr("forwarding loop"));
}

TEST_F(LoopingServerTest, TestQueriesOfOtherProcessesPass) {
  AddServer("10.0.0.1");
  loops_ = true;
  Start();
  MakeManager();
  EXPECT_EQ(Ask(*LoopProbeName(0x123456, DomainName())), ExchangeFailure::kNone);
}

}  // namespace
}  // namespace dotcache
