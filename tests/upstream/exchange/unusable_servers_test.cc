// SPDX-License-Identifier: Apache-2.0
// Zones in which some servers are there in name only: slots without an address, forwarding loops,
// links without carrier. They must not keep the others from being known dead, probed and found. And
// zones in which servers are down in name only: those have been repaired since their last probe.
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/fake_exchanger.h"
#include "tests/support/host_round.h"
#include "tests/support/scripted_manager.h"
#include "upstream/hosts/host_answer.h"
#include "upstream/pool/loop_probe.h"

namespace dotcache {
namespace {

constexpr absl::string_view kHost = "dns.example.net";

class UnusableServersTest : public testing::Test, protected ScriptedManager {
 protected:
  struct Outcome {
    std::optional<ExchangeFailure> failure;  // nullopt: it has not ended.
    Duration took{0};
  };

  UnusableServersTest() { options_.zones[0].policy = SelectionPolicy::kSequential; }
  ~UnusableServersTest() override { manager_.reset(); }  // It uses the exchanger and the loops.

  void MakePlain(int servers) {
    for (int i = 0; i < servers; ++i) AddServer(absl::StrCat("p", i));
    Make();
  }

  // A host name with these addresses.
  void MakeHost(const std::vector<std::string>& addresses) {
    AddHost(kHost);
    Make();
    Resolve(addresses);
    loop_.Advance(Milliseconds(100));
  }

  void Resolve(const std::vector<std::string>& addresses) {
    EndHostRound(bootstrap_, kHost, addresses);
  }

  void Loop(size_t server) {
    loops_->Expect(server, 77);
    loops_->OnQuery(*LoopProbeName(77, DomainName()));
  }

  void Refuse(int server) {
    connector_->server(server).connect_failure = UpstreamFailure::kConnectRefused;
    connector_->Disconnect(server);
  }

  std::shared_ptr<Outcome> Ask() { return AskFor(absl::StrCat("n", number_++, ".example.com")); }

  std::shared_ptr<Outcome> AskFor(absl::string_view name) {
    auto outcome = std::make_shared<Outcome>();
    UpstreamQuery query;
    query.question = {*DomainName::FromText(name), QType::kA, QClass::kIn};
    const MonoTime began = loop_.Now();
    const auto id = manager_->Exchange(
        query, began + Seconds(5), [this, outcome, began](ExchangeOr<UpstreamResponse> r) {
          const bool usable = !r.ok() || r->facts.kind == ResponseKind::kAnswer;
          *outcome = {usable ? r.failure() : ExchangeFailure::kErrors, loop_.Now() - began};
        });
    if (!id.ok()) outcome->failure = id.failure();
    return outcome;
  }

  // Asks 100 times a second; returns the longest wait and leaves how many were answered.
  Duration AskFor(Seconds time) {
    std::vector<std::shared_ptr<Outcome>> outcomes;
    for (Duration passed{0}; passed < time; passed += Milliseconds(10)) {
      outcomes.push_back(Ask());
      loop_.Advance(Milliseconds(10));
    }
    loop_.Advance(Seconds(6));
    Duration longest{0};
    for (const auto& outcome : outcomes) {
      EXPECT_NE(outcome->failure, std::nullopt);
      longest = std::max(longest, outcome->took);
    }
    return longest;
  }

  // So that those that are bad go down.
  void AskAll() { options_.zones[0].policy = SelectionPolicy::kRoundRobin; }

  // Down long enough for the next probe to be far away, then repaired.
  void BreakAndRepair(const std::vector<int>& servers) {
    for (const int server : servers) Refuse(server);
    AskFor(Seconds(20));
    for (const int server : servers) {
      EXPECT_EQ(counters_[static_cast<size_t>(server)].up.value(), 0u);
      connector_->server(server).connect_failure = std::nullopt;
    }
  }

  // Asks for names, 10 ms apart; returns how many got no answer.
  int CountFailures(int queries) {
    std::vector<std::shared_ptr<Outcome>> outcomes;
    for (int i = 0; i < queries; ++i) {
      outcomes.push_back(Ask());
      loop_.Advance(Milliseconds(10));
    }
    loop_.Advance(Seconds(6));
    return static_cast<int>(absl::c_count_if(
        outcomes, [](const auto& outcome) { return outcome->failure != ExchangeFailure::kNone; }));
  }

  int connects(int server) { return connector_->server(server).connects; }

  FakeExchanger bootstrap_;
  std::unique_ptr<LoopWatch> loops_;
  int number_ = 0;

 private:
  void Make() {
    loops_ = std::make_unique<LoopWatch>(options_.zones[0].servers.size());
    MakeManager(loops_.get());
    manager_->ResolveHostsBy(bootstrap_);
    manager_->Start();
    loop_.Advance(Milliseconds(10));
  }
};

TEST_F(UnusableServersTest, EmptySlotsCauseNoStormOfConnectsToTheDead) {
  MakeHost({"192.0.2.1", "192.0.2.2"});
  for (const int server : {0, 1}) Refuse(server);
  AskFor(Seconds(3));
  const int before = connects(0);
  const Duration longest = AskFor(Seconds(10));
  EXPECT_EQ(longest, Duration::zero());  // Known to be dead: at once.
  EXPECT_LE(connects(0) - before, 18);   // 16 s, one a second.
}

TEST_F(UnusableServersTest, QueriesWaitForServersOfAHostNameThatStartAgain) {
  MakeHost({"192.0.2.1"});
  Refuse(0);
  std::vector<std::shared_ptr<Outcome>> outcomes;
  for (int i = 0; i < 100; ++i) {
    if (i == 40) connector_->server(0).connect_failure = std::nullopt;
    outcomes.push_back(Ask());
    loop_.Advance(Milliseconds(10));
  }
  loop_.Advance(Seconds(2));
  for (const auto& outcome : outcomes) EXPECT_EQ(outcome->failure, ExchangeFailure::kNone);
}

TEST_F(UnusableServersTest, ALoopBesideADeadServerFailsAtOnce) {
  for (const bool silent : {false, true}) {
    options_.zones[0].servers.clear();
    MakePlain(2);
    AskFor(Seconds(1));
    Loop(0);
    if (silent) {
      connector_->server(1).handshake = std::nullopt;
      connector_->Disconnect(1);
    } else {
      Refuse(1);
    }
    AskFor(Seconds(4));
    const int before = connects(1);
    EXPECT_EQ(AskFor(Seconds(5)), Duration::zero());
    EXPECT_LE(connects(1) - before, 13);
    EXPECT_EQ(Ask()->failure, ExchangeFailure::kLoop);
  }
}

TEST_F(UnusableServersTest, WhereALinkIsDownTheOtherServerIsProbedEverySecond) {
  MakePlain(2);
  manager_->OnNetworkChange({false, {{0, /*link_down=*/true}}});
  Refuse(1);
  AskFor(Seconds(40));  // Its own back-off would be long by now.
  connector_->server(1).connect_failure = std::nullopt;
  loop_.Advance(Milliseconds(1200));
  const auto outcome = Ask();
  loop_.Advance(Seconds(1));
  EXPECT_EQ(outcome->failure, ExchangeFailure::kNone);
}

TEST_F(UnusableServersTest, NothingIsOpenedOnADeadLinkWhenTrustChanges) {
  MakePlain(1);
  Ask();
  manager_->OnNetworkChange({false, {{0, /*link_down=*/true}}});
  const int before = connects(0);
  manager_->OnTrustChanged({0});
  loop_.Advance(Seconds(5));
  EXPECT_EQ(connects(0), before);
}

TEST_F(UnusableServersTest, AServerWhoseAddressIsGoneIsForgottenWithItsQueries) {
  MakeHost({"192.0.2.1"});
  connector_->server(0).reply = [](const UpstreamQuery&) { return ScriptedReply::Silence(); };
  for (int change = 0; change < 5; ++change) {
    loop_.Advance(Seconds(70));  // The TTL passes and the name is asked for again.
    Ask();
    loop_.Advance(Milliseconds(20));
    Resolve({absl::StrCat("192.0.2.", 10 + change)});
    loop_.Advance(Seconds(10));  // The query's deadline passes.
  }
  EXPECT_LE(connector_->open_connections(0), 3);
}

TEST_F(UnusableServersTest, WhenTheLastServerFailsRepairedServersAreQueriedAtOnce) {
  const std::vector<std::function<ScriptedReply(const UpstreamQuery&)>> faults = {
      [](const UpstreamQuery&) { return ScriptedReply::Disconnect(Milliseconds(1)); },
      [](const UpstreamQuery&) { return ScriptedReply::Silence(); },
      [](const UpstreamQuery&) {
        return ScriptedReply::Failure(UpstreamFailure::kMalformed, Milliseconds(1));
      },
      [](const UpstreamQuery& query) {
        return ScriptedReply::Message(ScriptedError(query, Rcode::kRefused), Milliseconds(1));
      }};
  for (size_t fault = 0; fault < faults.size(); ++fault) {
    SCOPED_TRACE(fault);
    options_.zones[0].servers.clear();
    AskAll();
    MakePlain(3);
    BreakAndRepair({1, 2});
    connector_->server(0).reply = faults[fault];
    EXPECT_EQ(CountFailures(100), 0);
  }
}

TEST_F(UnusableServersTest, WhenMostServersLoseQueriesTheOneThatWasRepairedGetsTheLastTry) {
  AskAll();
  MakePlain(4);
  BreakAndRepair({3});
  for (const int server : {0, 1, 2}) {
    connector_->server(server).reply = [](const UpstreamQuery&) {
      return ScriptedReply::Disconnect(Milliseconds(1));
    };
  }
  EXPECT_EQ(CountFailures(100), 0);
}

// Their attempts are late, and nothing else happens that would have them looked at again.
TEST_F(UnusableServersTest, AServerThatIsRepairedHelpsThoseForWhichAllAreLate) {
  MakePlain(2);
  Refuse(1);
  manager_->OnTrustChanged({1});
  loop_.Advance(Seconds(1));
  connector_->server(0).reply = [](const UpstreamQuery&) { return ScriptedReply::Silence(); };
  const auto outcome = Ask();
  loop_.Advance(Milliseconds(900));
  connector_->server(1).connect_failure = std::nullopt;
  loop_.Advance(Milliseconds(1700));
  EXPECT_EQ(outcome->failure, ExchangeFailure::kNone);
}

// Probes find out that it answers again.
TEST_F(UnusableServersTest, QueriesLongAfterAnOutageAreAnswered) {
  MakePlain(1);
  connector_->server(0).reply = [](const UpstreamQuery&) { return ScriptedReply::Silence(); };
  AskFor(Seconds(5));
  ASSERT_EQ(counters_[0].up.value(), 0u);
  connector_->server(0).reply = [](const UpstreamQuery& query) {
    return ScriptedReply::Message(ScriptedAnswer(query), Milliseconds(1));
  };
  loop_.Advance(Seconds(60));
  const auto outcome = Ask();
  const auto second = Ask();
  loop_.Advance(Seconds(1));
  EXPECT_EQ(outcome->failure, ExchangeFailure::kNone);
  EXPECT_EQ(second->failure, ExchangeFailure::kNone);
}

TEST_F(UnusableServersTest, QueriesProbeABadCertificateEveryFiveSecondsAtMost) {
  AskAll();
  MakePlain(2);
  connector_->server(1).connect_failure = UpstreamFailure::kCertificate;
  connector_->Disconnect(1);
  AskFor(Seconds(70));  // Its own probes are 30 s apart by now.
  connector_->server(0).reply = [](const UpstreamQuery& query) {
    return ScriptedReply::Message(ScriptedError(query, Rcode::kRefused), Milliseconds(1));
  };
  const int before = connects(1);
  CountFailures(2000);  // In 26 s.
  EXPECT_GE(connects(1) - before, 4);
  EXPECT_LE(connects(1) - before, 7);  // One or two of them are its own.
}

// A name for which every server closes its connection must not keep them down.
TEST_F(UnusableServersTest, WhatWasLostTwiceIsNotWhatTheServerIsTriedWith) {
  constexpr absl::string_view kEvil = "evil.example.com";
  AskAll();
  MakePlain(3);
  connector_->server(2).reply = [](const UpstreamQuery&) { return ScriptedReply::Silence(); };
  AskFor(Seconds(20));
  ASSERT_EQ(counters_[2].up.value(), 0u);
  for (const int server : {0, 1, 2}) {
    connector_->server(server).reply = [kEvil](const UpstreamQuery& query) {
      if (query.question.qname == *DomainName::FromText(kEvil)) return ScriptedReply::Disconnect();
      return ScriptedReply::Message(ScriptedAnswer(query), Milliseconds(1));
    };
  }
  AskFor(kEvil);
  loop_.Advance(Milliseconds(20));
  EXPECT_EQ(CountFailures(1), 0);
  EXPECT_EQ(CountFailures(10), 0);
  EXPECT_EQ(counters_[2].up.value(), 1u);
}

TEST_F(UnusableServersTest, AnErrorOfTheOnlyServerThatIsUpDoesNotWaitForDeadServers) {
  for (const bool connects : {false, true}) {
    SCOPED_TRACE(connects);
    options_.zones[0].servers.clear();
    AskAll();
    MakePlain(2);
    if (!connects) connector_->server(1).handshake = std::nullopt;
    connector_->server(1).reply = [](const UpstreamQuery&) { return ScriptedReply::Silence(); };
    connector_->Disconnect(1);
    AskFor(Seconds(20));
    connector_->server(0).reply = [](const UpstreamQuery& query) {
      return ScriptedReply::Message(ScriptedError(query, Rcode::kServFail), Milliseconds(1));
    };
    const int before = connector_->server(1).connects;
    EXPECT_LE(AskFor(Seconds(10)), Milliseconds(510));       // A connect ends after 2 s.
    EXPECT_LE(connector_->server(1).connects - before, 17);  // 16 s.
  }
}

TEST_F(UnusableServersTest, ATryKeptForADeadServerIsGivenBackWhenItsProbeFails) {
  AskAll();
  MakePlain(3);
  Refuse(2);
  AskFor(Seconds(20));
  connector_->server(0).reply = [](const UpstreamQuery&) { return ScriptedReply::Silence(); };
  absl::flat_hash_set<DomainName> lost;
  connector_->server(1).reply = [&lost](const UpstreamQuery& query) {
    if (lost.insert(query.question.qname).second) return ScriptedReply::Disconnect();
    return ScriptedReply::Message(ScriptedAnswer(query), Milliseconds(1));
  };
  EXPECT_LE(AskFor(Seconds(1)), Milliseconds(1800));
}

TEST_F(UnusableServersTest, AnErrorInHandWaitsForAHandshakeWhoseTimeIsNotOver) {
  AskAll();
  MakePlain(3);
  connector_->server(1).reply = [](const UpstreamQuery&) { return ScriptedReply::Silence(); };
  BreakAndRepair({2});
  connector_->server(2).handshake = Milliseconds(150);
  connector_->server(0).reply = [](const UpstreamQuery& query) {
    return ScriptedReply::Message(ScriptedError(query, Rcode::kServFail), Milliseconds(1));
  };
  EXPECT_EQ(CountFailures(100), 0);
}

TEST_F(UnusableServersTest, NoQueryWaitsForAServerWithoutARoute) {
  MakePlain(2);
  manager_->OnNetworkChange({false, {{1, /*link_down=*/true}}});
  connector_->server(0).reply = [](const UpstreamQuery&) {
    return ScriptedReply::Disconnect(Milliseconds(1));
  };
  const auto outcome = Ask();
  loop_.Advance(Milliseconds(100));
  EXPECT_EQ(outcome->failure, ExchangeFailure::kUnreachable);
}

TEST_F(UnusableServersTest, BusyConnectionsAreReplacedAtOnceWhenTheNetworkChanges) {
  MakePlain(1);
  connector_->server(0).reply = [](const UpstreamQuery&) { return ScriptedReply::Silence(); };
  for (int i = 0; i < 4 * options_.limits.tuning.max_in_flight_per_connection; ++i) Ask();
  ASSERT_GE(connector_->open_connections(0), 4);
  connector_->server(0).reply = [](const UpstreamQuery& query) {
    return ScriptedReply::Message(ScriptedAnswer(query), Milliseconds(1));
  };
  manager_->OnNetworkChange({false, {{0, /*link_down=*/false}}});
  EXPECT_EQ(CountFailures(20), 0);
}

TEST_F(UnusableServersTest, WhereAllBecomeSlowTheirLateAnswersAreTaken) {
  for (const int servers : {1, 2, 4}) {
    SCOPED_TRACE(servers);
    options_.zones[0].servers.clear();
    AskAll();
    MakePlain(servers);
    AskFor(Seconds(1));
    for (int server = 0; server < servers; ++server) {
      connector_->server(server).reply = [](const UpstreamQuery& query) {
        return ScriptedReply::Message(ScriptedAnswer(query), Milliseconds(800));
      };
    }
    EXPECT_EQ(CountFailures(500), 0);
  }
}

}  // namespace
}  // namespace dotcache
