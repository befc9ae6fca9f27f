// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/upstream_server.h"

#include <random>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/scripted_connector.h"
#include "tests/support/simulated_loop.h"

namespace dotcache {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr int kMaxAlone = UpstreamServer::kMaxAlone;
using testing::UnorderedElementsAre;

UpstreamQuery QueryFor(const std::string& name) {
  UpstreamQuery query;
  query.question = {*DomainName::FromText(name), QType::kA, QClass::kIn};
  return query;
}

class UpstreamServerTest : public testing::Test, protected UpstreamServer::Delegate {
 protected:
  UpstreamServerTest() {
    options_.provider = "example";
    options_.endpoint = *Endpoint::Parse("192.0.2.53:853");
  }

  void Make() {
    server_ = std::make_unique<UpstreamServer>(
        UpstreamServer::Context{loop_, limits_, connector_, random_, *this, families_, true},
        options_, 0, counters_, probe_gate_);
  }

  std::optional<UpstreamFailure> Send(AttemptId attempt, bool last_resort = false) {
    return server_->Send(QueryFor("www.example.com"), attempt, {.last_resort = last_resort});
  }

  std::optional<UpstreamFailure> SendAlone(AttemptId attempt) {
    return server_->Send(QueryFor("www.example.com"), attempt, {.alone = true});
  }

  void Silence() {
    connector_.server(0).reply = [](const UpstreamQuery&) { return ScriptedReply::Silence(); };
  }

  void Refuse() { connector_.server(0).connect_failure = UpstreamFailure::kConnectRefused; }

  // Lets attempt `attempt` run into its timeout.
  void TimeOut(AttemptId attempt) {
    loop_.Advance(Milliseconds(100));
    server_->OnAttemptTimeout(attempt);
  }

  void OnAttemptResult(AttemptId attempt, AttemptResult result) override {
    if (std::holds_alternative<UpstreamResponse>(result)) {
      answered_.push_back(attempt);
    } else {
      failed_.push_back({attempt, std::get<UpstreamFailure>(result)});
    }
  }
  void OnAttemptLost(AttemptId attempt, size_t) override {
    failed_.push_back({attempt, UpstreamFailure::kConnectionLost});
  }
  void OnAttemptDoubtful(AttemptId attempt) override { doubtful_.push_back(attempt); }
  void OnServerReady(UpstreamServer&) override { ++ready_; }
  void OnStall(const std::vector<AttemptId>& attempts) override {
    stalled_.insert(stalled_.end(), attempts.begin(), attempts.end());
  }

  SimulatedLoop loop_;
  UpstreamLimits limits_;
  ScriptedConnector connector_{loop_, limits_};
  std::mt19937_64 random_{1};
  AddressFamilies families_{false};
  UpstreamServerOptions options_;
  UpstreamCounters counters_;
  ProbeGate probe_gate_;
  std::vector<AttemptId> answered_;
  std::vector<AttemptId> doubtful_;
  std::vector<std::pair<AttemptId, UpstreamFailure>> failed_;
  std::vector<AttemptId> stalled_;
  int ready_ = 0;
  std::unique_ptr<UpstreamServer> server_;
};

TEST_F(UpstreamServerTest, WhoIsConnectedIsNotOfABrokenFamily) {
  Make();
  Send(1);
  loop_.Advance(Milliseconds(50));
  families_.NoteReached(/*is_v6=*/true);
  for (const int other : {1, 2}) {
    families_.NoteFailure(/*is_v6=*/false, other, UpstreamFailure::kUnreachable);
  }
  ASSERT_TRUE(families_.broken(/*is_v6=*/false));
  EXPECT_FALSE(server_->Snapshot().family_broken);
  Send(2);  // What is answered shows that the family works.
  loop_.Advance(Milliseconds(50));
  EXPECT_FALSE(families_.broken(/*is_v6=*/false));
}

TEST_F(UpstreamServerTest, ManyAttemptsShareOneConnection) {
  Make();
  for (AttemptId attempt = 1; attempt <= 100; ++attempt) EXPECT_EQ(Send(attempt), std::nullopt);
  EXPECT_EQ(counters_.in_flight.value(), 100u);
  loop_.Advance(Milliseconds(50));
  EXPECT_EQ(answered_.size(), 100u);
  EXPECT_EQ(connector_.server(0).connects, 1);
  EXPECT_EQ(counters_.responses.value(), 100u);
  EXPECT_EQ(counters_.in_flight.value(), 0u);
  EXPECT_EQ(counters_.full_handshakes.value(), 1u);
}

// A server that works on one query of a connection after the other, a millisecond each.
TEST_F(UpstreamServerTest, AnotherConnectionIsOpenedWhenQueriesQueue) {
  int waiting = 0;
  connector_.server(0).reply = [&waiting](const UpstreamQuery& query) {
    return ScriptedReply::Message(ScriptedAnswer(query), Milliseconds(1 + waiting));
  };
  Make();
  AttemptId attempt = 0;
  for (int i = 0; i < 200; ++i) {  // One at a time: this is how fast it is at best.
    Send(++attempt);
    loop_.Advance(Milliseconds(5));
  }
  for (waiting = 0; waiting < 100; ++waiting) Send(++attempt);
  EXPECT_EQ(connector_.server(0).connects, 1);  // Many at once are no queue yet.
  loop_.Advance(Milliseconds(60));
  for (int i = 0; i < 60; ++i) Send(++attempt);
  EXPECT_EQ(connector_.server(0).connects, 2);
  loop_.Advance(Seconds(1));
  EXPECT_EQ(answered_.size(), attempt);
}

TEST_F(UpstreamServerTest, ManyQueriesOnAServerThatIsAsFastAsEverShareOneConnection) {
  Make();
  AttemptId attempt = 0;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 200; ++i) Send(++attempt);
    loop_.Advance(Milliseconds(20));
  }
  EXPECT_EQ(connector_.server(0).connects, 1);
  EXPECT_EQ(answered_.size(), attempt);
}

TEST_F(UpstreamServerTest, ResponseTimeCountsFromTheConnectionBeingReady) {
  connector_.server(0).handshake = Milliseconds(500);
  Make();
  Send(1);
  loop_.Advance(Seconds(1));
  EXPECT_EQ(server_->Snapshot().response_time, Milliseconds(10));
  EXPECT_EQ(ready_, 1);
}

TEST_F(UpstreamServerTest, AnotherConnectionIsOpenedWhenTheFirstIsFullUpToTheLimit) {
  limits_.tuning.max_in_flight_per_connection = 2;
  limits_.tuning.max_connections_per_server = 2;
  ScriptedConnector connector(loop_, limits_);
  connector.server(0).reply = [](const UpstreamQuery&) { return ScriptedReply::Silence(); };
  server_ = std::make_unique<UpstreamServer>(
      UpstreamServer::Context{loop_, limits_, connector, random_, *this, families_, false},
      options_, 0, counters_, probe_gate_);
  for (AttemptId attempt = 1; attempt <= 4; ++attempt) EXPECT_EQ(Send(attempt), std::nullopt);
  EXPECT_EQ(connector.server(0).connects, 2);
  EXPECT_EQ(Send(5), UpstreamFailure::kOverloaded);
  loop_.RunUntilIdle();
  server_.reset();
}

TEST_F(UpstreamServerTest, ARefusedConnectionFailsItsAttemptsAndMarksDown) {
  Refuse();
  Make();
  Send(1);
  Send(2);
  loop_.Advance(Milliseconds(2));
  EXPECT_THAT(failed_, ElementsAre(testing::Pair(1, UpstreamFailure::kConnectRefused),
                                   testing::Pair(2, UpstreamFailure::kConnectRefused)));
  EXPECT_TRUE(server_->down());
  EXPECT_EQ(counters_.up.value(), 0u);
  EXPECT_EQ(counters_.failed_handshakes.value(), 1u);
  EXPECT_EQ(Send(3), UpstreamFailure::kConnectRefused);  // At once.
  EXPECT_EQ(connector_.server(0).connects, 1);
}

TEST_F(UpstreamServerTest, AServerThatIsDownIsProbedInTheBackgroundUntilItIsBack) {
  Refuse();
  Make();
  server_->Prepare();
  loop_.Advance(Seconds(120));
  const int probes = connector_.server(0).connects;
  EXPECT_GE(probes, 7);  // 0.5 + 1 + 2 + 4 + 8 + 16 + 30 + 30...
  EXPECT_LE(probes, 12);
  connector_.server(0).connect_failure = std::nullopt;
  loop_.Advance(Seconds(40));
  EXPECT_FALSE(server_->down());
  EXPECT_EQ(counters_.up.value(), 1u);
  EXPECT_EQ(connector_.server(0).connects, probes + 1);
}

TEST_F(UpstreamServerTest, NoQueryGoesOutBeforeTheProbeHasSucceeded) {
  Refuse();
  Make();
  server_->Prepare();
  loop_.Advance(Seconds(20));
  const int probes = connector_.server(0).connects;
  for (AttemptId attempt = 1; attempt <= 100; ++attempt) {
    EXPECT_EQ(Send(attempt), UpstreamFailure::kConnectRefused);
    loop_.Advance(Milliseconds(10));
  }
  EXPECT_EQ(connector_.server(0).connects, probes);
}

TEST_F(UpstreamServerTest, OneProbeAtATime) {
  Refuse();
  Make();
  server_->Prepare();
  loop_.Advance(Milliseconds(2));
  connector_.server(0).handshake = std::nullopt;  // From now on connecting hangs.
  loop_.Advance(Milliseconds(700));
  EXPECT_EQ(connector_.server(0).connects, 2);
  server_->ProbeNow();
  EXPECT_EQ(Send(1, /*last_resort=*/true), std::nullopt);
  EXPECT_EQ(connector_.server(0).connects, 2);
}

TEST_F(UpstreamServerTest, AsALastResortItConnectsTenTimesASecondAtMost) {
  Refuse();
  Make();
  Send(1);
  loop_.Advance(Seconds(60));
  const int before = connector_.server(0).connects;
  for (AttemptId attempt = 2; attempt < 1002; ++attempt) {
    Send(attempt, /*last_resort=*/true);
    loop_.Advance(Milliseconds(1));
  }
  EXPECT_GE(connector_.server(0).connects - before, 9);
  EXPECT_LE(connector_.server(0).connects - before, 11);
}

TEST_F(UpstreamServerTest, ALostConnectionFailsWhatWasInFlightAndTheNextAttemptReconnects) {
  Make();
  Send(1);
  loop_.Advance(Milliseconds(5));
  connector_.Disconnect(0);
  EXPECT_THAT(failed_, ElementsAre(testing::Pair(1, UpstreamFailure::kConnectionLost)));
  EXPECT_FALSE(server_->down());
  Send(2);
  loop_.Advance(Milliseconds(50));
  EXPECT_THAT(answered_, ElementsAre(2));
}

TEST_F(UpstreamServerTest, WhoGoesAloneSharesNoConnection) {
  Make();
  Send(1);
  SendAlone(2);
  Send(3);
  EXPECT_EQ(connector_.server(0).connects, 2);
  loop_.Advance(Milliseconds(5));
  SendAlone(4);
  Send(5);
  EXPECT_EQ(connector_.server(0).connects, 3);
  loop_.Advance(Milliseconds(50));
  EXPECT_EQ(answered_.size(), 5u);
  EXPECT_EQ(counters_.open_connections.value(), 3u);  // Shared from now on.
}

TEST_F(UpstreamServerTest, WhoGoesAloneWaitsForATurn) {
  Make();
  constexpr AttemptId kAttempts = 3 * kMaxAlone;
  for (AttemptId attempt = 1; attempt <= kAttempts; ++attempt) {
    EXPECT_EQ(SendAlone(attempt), std::nullopt);
  }
  EXPECT_EQ(connector_.server(0).connects, kMaxAlone);
  EXPECT_TRUE(server_->IsQueued(kAttempts));
  EXPECT_FALSE(server_->IsStalled(kAttempts));
  server_->Forget(kAttempts);
  loop_.Advance(Milliseconds(100));
  EXPECT_EQ(answered_.size(), kAttempts - 1);
  EXPECT_EQ(connector_.server(0).connects, kMaxAlone);
}

TEST_F(UpstreamServerTest, WhereTooManyWaitForATurnTheOthersShare) {
  Silence();
  Make();
  AttemptId attempt = 0;
  while (attempt < 256 + kMaxAlone) EXPECT_EQ(SendAlone(++attempt), std::nullopt);
  loop_.Advance(Milliseconds(10));
  EXPECT_EQ(connector_.server(0).queries, kMaxAlone);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(SendAlone(++attempt), std::nullopt);
  loop_.Advance(Milliseconds(10));
  EXPECT_EQ(connector_.server(0).queries, kMaxAlone + 20);
  EXPECT_EQ(connector_.server(0).connects, kMaxAlone + 1);
}

TEST_F(UpstreamServerTest, AConnectionLostByOneGivesTheNextItsTurn) {
  connector_.server(0).reply = [](const UpstreamQuery&) { return ScriptedReply::Disconnect(); };
  Make();
  for (AttemptId attempt = 1; attempt <= 40; ++attempt) SendAlone(attempt);
  loop_.Advance(Milliseconds(100));
  EXPECT_EQ(failed_.size(), 40u);
  EXPECT_EQ(connector_.server(0).connects, 40);
  EXPECT_FALSE(server_->down());
}

TEST_F(UpstreamServerTest, AForgottenOneTakesItsConnectionWithIt) {
  Silence();
  Make();
  for (AttemptId attempt = 1; attempt <= kMaxAlone + 1; ++attempt) {
    SendAlone(attempt);
  }
  loop_.Advance(Milliseconds(5));
  server_->Forget(1);
  EXPECT_FALSE(server_->IsQueued(2));
  EXPECT_EQ(connector_.server(0).connects, kMaxAlone + 1);
  loop_.RunUntilIdle();
  EXPECT_EQ(connector_.open_connections(0), kMaxAlone);
}

TEST_F(UpstreamServerTest, WhoWaitsForATurnFailsWithTheConnect) {
  Refuse();
  Make();
  for (AttemptId attempt = 1; attempt <= 10; ++attempt) SendAlone(attempt);
  loop_.Advance(Milliseconds(10));
  EXPECT_EQ(failed_.size(), 10u);
  EXPECT_EQ(counters_.in_flight.value(), 0u);
}

TEST_F(UpstreamServerTest, AFreshConnectionIsOneThatIsBeingOpened) {
  Make();
  Send(1);
  loop_.Advance(Milliseconds(5));
  const auto send_fresh = [this](AttemptId attempt) {
    return server_->Send(QueryFor("www.example.com"), attempt, {.fresh = true});
  };
  EXPECT_EQ(send_fresh(2), std::nullopt);
  EXPECT_EQ(send_fresh(3), std::nullopt);
  EXPECT_EQ(connector_.server(0).connects, 2);
}

TEST_F(UpstreamServerTest, AnIdleCloseIsNoFailure) {
  Make();
  for (int i = 0; i < 10; ++i) {
    server_->Prepare();
    loop_.Advance(Milliseconds(5));
    connector_.Disconnect(0);
    loop_.RunUntilIdle();
  }
  EXPECT_FALSE(server_->down());
  EXPECT_EQ(counters_.failures.value(), 0u);
  EXPECT_EQ(counters_.open_connections.value(), 0u);
}

TEST_F(UpstreamServerTest, ManyQueriesInOneSilenceAreOneFailure) {
  Silence();
  Make();
  for (AttemptId attempt = 1; attempt <= 20; ++attempt) Send(attempt);
  loop_.Advance(Milliseconds(100));
  for (AttemptId attempt = 1; attempt <= 20; ++attempt) server_->OnAttemptTimeout(attempt);
  EXPECT_FALSE(server_->down());
}

TEST_F(UpstreamServerTest, ASilentConnectionIsPassedOverAndThreeMarkDown) {
  Silence();
  Make();
  for (AttemptId attempt = 1; attempt <= 3; ++attempt) {
    EXPECT_FALSE(server_->down());
    Send(attempt);
    TimeOut(attempt);
    EXPECT_EQ(connector_.server(0).connects, static_cast<int>(attempt));
    EXPECT_TRUE(server_->IsStalled(attempt));
  }
  EXPECT_TRUE(server_->down());
}

TEST_F(UpstreamServerTest, ASlowConnectionIsKeptWhereWeLackTheMeansForAnother) {
  Silence();
  Make();
  Send(1);
  TimeOut(1);
  connector_.server(0).connect_failure = UpstreamFailure::kOutOfResources;
  Send(2);
  loop_.Advance(Milliseconds(50));
  EXPECT_THAT(failed_, ElementsAre(std::pair(2, UpstreamFailure::kOutOfResources)));
  EXPECT_FALSE(server_->down());
  connector_.Disconnect(0);
  loop_.Advance(Seconds(1));
  Send(3);
  loop_.Advance(Milliseconds(50));
  EXPECT_TRUE(server_->down());
  EXPECT_EQ(probe_gate_.failed_at(), MonoTime());  // Nobody has tried it.
}

TEST_F(UpstreamServerTest, TwoQueriesInSilenceAreAStall) {
  Make();
  Send(1);
  loop_.Advance(Milliseconds(100));  // Answered after 10 ms: a stall takes 40.
  Silence();
  Send(2);
  Send(3);
  loop_.Advance(Milliseconds(39));
  EXPECT_TRUE(stalled_.empty());
  loop_.Advance(Milliseconds(1));
  EXPECT_THAT(stalled_, UnorderedElementsAre(2, 3));
  EXPECT_TRUE(server_->IsStalled(2));
  EXPECT_FALSE(server_->Snapshot().ready);
  EXPECT_FALSE(server_->down());
  EXPECT_EQ(counters_.stalls.value(), 1u);
}

TEST_F(UpstreamServerTest, AStallIsNoticedThoughItsQueriesWereForgotten) {
  Make();
  Send(1);
  loop_.Advance(Milliseconds(100));
  Silence();
  Send(2);
  Send(3);
  server_->Forget(2);
  server_->Forget(3);
  loop_.Advance(Milliseconds(40));
  EXPECT_EQ(counters_.stalls.value(), 1u);
}

TEST_F(UpstreamServerTest, OneSlowQueryIsNoStallNorAreTwoWhileOthersAreAnswered) {
  Make();
  Send(1);
  loop_.Advance(Milliseconds(100));
  Silence();
  Send(2);
  loop_.Advance(Milliseconds(300));
  connector_.server(0).reply = [](const UpstreamQuery& query) {
    return ScriptedReply::Message(ScriptedAnswer(query), Milliseconds(10));
  };
  for (AttemptId attempt = 3; attempt < 20; ++attempt) {
    Send(attempt);
    loop_.Advance(Milliseconds(15));
  }
  EXPECT_TRUE(stalled_.empty());
  EXPECT_EQ(counters_.stalls.value(), 0u);
}

TEST_F(UpstreamServerTest, AfterAStallASilentServerGoesDownByFailuresInARow) {
  Make();
  Send(1);
  loop_.Advance(Milliseconds(100));
  Silence();
  Send(2);
  Send(3);
  loop_.Advance(Milliseconds(40));
  for (AttemptId attempt = 4; attempt <= 6; ++attempt) {
    EXPECT_FALSE(server_->down()) << attempt;
    Send(attempt);  // On a fresh connection.
    EXPECT_EQ(connector_.server(0).connects, static_cast<int>(attempt) - 2);
    loop_.Advance(Milliseconds(50));
    EXPECT_TRUE(server_->IsStalled(attempt));  // One is enough, now.
    TimeOut(attempt);
  }
  EXPECT_TRUE(server_->down());
}

TEST_F(UpstreamServerTest, ATimeoutIsNoFailureWhenSomethingCameMeanwhile) {
  Make();
  Send(1);
  loop_.Advance(Milliseconds(50));
  Silence();
  for (AttemptId attempt = 2; attempt <= 9; ++attempt) Send(attempt);
  loop_.Advance(Milliseconds(30));
  connector_.server(0).reply = [](const UpstreamQuery& query) {
    return ScriptedReply::Message(ScriptedAnswer(query));
  };
  Send(10);
  loop_.Advance(Milliseconds(50));
  for (AttemptId attempt = 2; attempt <= 9; ++attempt) {
    server_->OnAttemptTimeout(attempt);
    EXPECT_FALSE(server_->IsStalled(attempt));
  }
  EXPECT_FALSE(server_->down());
  EXPECT_EQ(Send(11), std::nullopt);
  EXPECT_EQ(connector_.server(0).connects, 1);
}

TEST_F(UpstreamServerTest, ASilentConnectionIsUsedAgainOnceItSpeaks) {
  Make();
  connector_.server(0).reply = [](const UpstreamQuery& query) {
    return ScriptedReply::Message(ScriptedAnswer(query), Milliseconds(300));
  };
  Send(1);
  TimeOut(1);
  EXPECT_TRUE(server_->IsStalled(1));
  loop_.Advance(Milliseconds(300));
  EXPECT_THAT(answered_, ElementsAre(1));  // Late, and reported.
  Send(2);
  EXPECT_EQ(connector_.server(0).connects, 1);
}

TEST_F(UpstreamServerTest, AnAnswerThatNobodyWaitsForAnyMoreIsASignOfLife) {
  Make();
  connector_.server(0).reply = [](const UpstreamQuery& query) {
    return ScriptedReply::Message(ScriptedAnswer(query), Seconds(1));
  };
  for (AttemptId attempt = 1; attempt <= 6; ++attempt) {
    Send(attempt);
    TimeOut(attempt);
    server_->Forget(attempt);
    loop_.Advance(Seconds(2));
    EXPECT_FALSE(server_->down()) << attempt;
  }
}

TEST_F(UpstreamServerTest, SilentConnectionsMakeWayAtTheLimit) {
  Silence();
  limits_.tuning.max_connections_per_server = 2;
  Make();
  for (AttemptId attempt = 1; attempt <= 2; ++attempt) {
    Send(attempt);
    TimeOut(attempt);
    server_->Forget(attempt);
  }
  EXPECT_EQ(Send(3), std::nullopt);
  loop_.RunUntilIdle();
  EXPECT_EQ(connector_.open_connections(0), 2);
}

TEST_F(UpstreamServerTest, WhereAllAreSilentOneMoreIsOpenedThenTheLatestTakesQueries) {
  Silence();
  limits_.tuning.max_connections_per_server = 1;
  Make();
  Send(1);
  TimeOut(1);
  EXPECT_EQ(Send(2), std::nullopt);
  EXPECT_EQ(connector_.open_connections(0), 2);  // An answer to the first may be late.
  TimeOut(2);
  EXPECT_EQ(Send(3), std::nullopt);
  EXPECT_EQ(connector_.open_connections(0), 2);
  loop_.Advance(Seconds(2));
  server_->Forget(1);
  EXPECT_EQ(Send(4), std::nullopt);
  loop_.RunUntilIdle();
  EXPECT_EQ(connector_.server(0).connects, 3);  // The first has made way.
  EXPECT_EQ(connector_.open_connections(0), 2);
}

TEST_F(UpstreamServerTest, AfterSilenceOneQueryAtATimeShowsWhetherItAnswers) {
  Silence();
  Make();
  for (AttemptId attempt = 1; attempt <= 3; ++attempt) {
    Send(attempt);
    TimeOut(attempt);
    server_->Forget(attempt);
  }
  ASSERT_TRUE(server_->down());
  loop_.Advance(Seconds(1));
  EXPECT_TRUE(server_->Snapshot().up);
  EXPECT_EQ(counters_.up.value(), 0u);  // Not told before it has answered.
  Send(4);
  EXPECT_FALSE(server_->Snapshot().up);
  TimeOut(4);
  EXPECT_TRUE(server_->down());
}

TEST_F(UpstreamServerTest, BadAnswersDoNotMarkDown) {
  connector_.server(0).reply = [](const UpstreamQuery&) {
    return ScriptedReply::Failure(UpstreamFailure::kMalformed);
  };
  Make();
  for (AttemptId attempt = 1; attempt <= 100; ++attempt) Send(attempt);
  loop_.Advance(Milliseconds(50));
  EXPECT_EQ(failed_.size(), 100u);
  EXPECT_FALSE(server_->down());
  EXPECT_EQ(counters_.failures.value(), 100u);
}

TEST_F(UpstreamServerTest, AForgottenAttemptIsNotReported) {
  Make();
  Send(1);
  Send(2);
  server_->Forget(1);
  server_->Forget(77);
  loop_.Advance(Milliseconds(50));
  EXPECT_THAT(answered_, ElementsAre(2));
}

TEST_F(UpstreamServerTest, PatienceIsShortWhileConnecting) {
  connector_.server(0).handshake = std::nullopt;
  Make();
  Send(1);
  EXPECT_EQ(server_->Patience(1), Milliseconds(250));
  server_->OnAttemptTimeout(1);  // No evidence: the connect timeout is in charge.
  EXPECT_FALSE(server_->IsStalled(1));
  loop_.Advance(Milliseconds(2000));
  EXPECT_THAT(failed_, ElementsAre(testing::Pair(1, UpstreamFailure::kConnectTimeout)));
  EXPECT_TRUE(server_->down());
}

TEST_F(UpstreamServerTest, DrainClosesConnectionsAsTheyFallIdle) {
  Make();
  Send(1);
  loop_.Advance(Milliseconds(5));
  server_->Drain();
  EXPECT_EQ(connector_.open_connections(0), 1);
  loop_.Advance(Milliseconds(50));
  EXPECT_THAT(answered_, ElementsAre(1));
  EXPECT_EQ(connector_.open_connections(0), 0);
  server_->Prepare();
  EXPECT_EQ(connector_.server(0).connects, 1);
}

TEST_F(UpstreamServerTest, ResponsesThatAreNotUsedAreCountedByReason) {
  Make();
  AttemptId attempt = 0;
  for (const UpstreamFailure failure : {UpstreamFailure::kMalformed, UpstreamFailure::kNotAnAnswer,
                                        UpstreamFailure::kTruncated, UpstreamFailure::kServFail}) {
    connector_.server(0).reply = [failure](const UpstreamQuery&) {
      return ScriptedReply::Failure(failure);
    };
    Send(++attempt);
    loop_.Advance(Milliseconds(10));
  }
  connector_.server(0).reply = [](const UpstreamQuery& query) {
    return ScriptedReply::Message(ScriptedError(query, Rcode::kRefused));
  };
  Send(++attempt);
  loop_.Advance(Milliseconds(10));
  EXPECT_EQ(counters_.malformed.value(), 1u);
  EXPECT_EQ(counters_.not_an_answer.value(), 1u);
  EXPECT_EQ(counters_.truncated.value(), 1u);
  EXPECT_EQ(counters_.error_responses.value(), 2u);
  EXPECT_EQ(counters_.failures.value(), 5u);
}

TEST_F(UpstreamServerTest, MismatchesAreCounted) {
  Make();
  server_->Prepare();
  loop_.Advance(Milliseconds(5));
  connector_.SendMismatch(0);
  EXPECT_EQ(counters_.mismatched.value(), 1u);
}

TEST_F(UpstreamServerTest, EachChangeOfStateIsLoggedOnce) {
  Refuse();
  Make();
  testing::internal::CaptureStderr();
  Send(1);
  loop_.Advance(Seconds(20));
  const std::string down = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(down.begin(), down.end(), '\n'), 1) << down;
  EXPECT_THAT(down, HasSubstr("warning upstream down provider=example address=192.0.2.53:853 "
                              "phase=connect failure=refused cause=scripted"));
  connector_.server(0).connect_failure = std::nullopt;
  testing::internal::CaptureStderr();
  loop_.Advance(Seconds(60));
  const std::string up = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(up.begin(), up.end(), '\n'), 1) << up;
  EXPECT_THAT(up, HasSubstr("upstream up provider=example address=192.0.2.53:853"));
}

TEST_F(UpstreamServerTest, WhenTrustChangesConnectionsInUseAreReplacedAndNothingIsLost) {
  Make();
  for (AttemptId attempt = 1; attempt <= 3; ++attempt) Send(attempt);
  loop_.Advance(Milliseconds(5));  // Connected, and not yet answered.
  server_->OnTrustChanged();
  EXPECT_EQ(connector_.server(0).connects, 2);  // A new one is opened at once.
  Send(4);
  loop_.Advance(Milliseconds(50));
  EXPECT_THAT(answered_, UnorderedElementsAre(1, 2, 3, 4));
  EXPECT_THAT(failed_, testing::IsEmpty());
  EXPECT_EQ(connector_.server(0).connects, 2);
  EXPECT_EQ(connector_.open_connections(0), 1);  // The old one is gone, now that it is idle.
}

TEST_F(UpstreamServerTest, WhenTrustChangesAnUnusedServerIsLeftAlone) {
  Make();
  server_->OnTrustChanged();
  loop_.Advance(Seconds(1));
  EXPECT_EQ(connector_.server(0).connects, 0);
}

TEST_F(UpstreamServerTest, WhenTrustChangesAServerThatIsDownIsProbedAtOnce) {
  connector_.server(0).connect_failure = UpstreamFailure::kCertificate;
  Make();
  Send(1);
  loop_.Advance(Milliseconds(50));
  EXPECT_TRUE(server_->down());
  connector_.server(0).connect_failure.reset();
  server_->OnTrustChanged();
  loop_.Advance(Milliseconds(50));
  EXPECT_FALSE(server_->down());
  EXPECT_EQ(Send(2), std::nullopt);
  loop_.Advance(Milliseconds(50));
  EXPECT_THAT(answered_, ElementsAre(2));
}

// What a probe with what was before comes to delays nothing.
TEST_F(UpstreamServerTest, WhenTrustChangesAProbeUnderWayIsNotWaitedFor) {
  connector_.server(0).connect_failure = UpstreamFailure::kCertificate;
  Make();
  Send(1);
  loop_.Advance(Milliseconds(50));
  connector_.server(0).handshake = Milliseconds(20);
  server_->ProbeNow();
  connector_.server(0).handshake = Milliseconds(40);
  server_->OnTrustChanged();
  loop_.Advance(Milliseconds(30));
  EXPECT_TRUE(server_->down());
  connector_.server(0).connect_failure.reset();
  loop_.Advance(Milliseconds(30));
  EXPECT_FALSE(server_->down());
}

TEST_F(UpstreamServerTest, WhenTrustChangesTheConnectionsThatAreBeingOpenedAreNotTrustedEither) {
  connector_.server(0).handshake = Milliseconds(20);
  Make();
  Send(1);
  server_->OnTrustChanged();
  Send(2);
  EXPECT_EQ(connector_.server(0).connects, 2);
  loop_.Advance(Milliseconds(100));
  EXPECT_THAT(answered_, UnorderedElementsAre(1, 2));
  EXPECT_EQ(connector_.open_connections(0), 1);
}

TEST_F(UpstreamServerTest, WhenTrustChangesADrainingServerOpensNothing) {
  Make();
  Send(1);
  loop_.Advance(Milliseconds(5));
  server_->Drain();
  server_->OnTrustChanged();
  loop_.Advance(Milliseconds(50));
  EXPECT_EQ(connector_.server(0).connects, 1);
  EXPECT_THAT(answered_, ElementsAre(1));
}

TEST_F(UpstreamServerTest, ANetworkChangeClosesIdleConnections) {
  Make();
  Send(1);
  loop_.Advance(Milliseconds(50));
  EXPECT_EQ(connector_.open_connections(0), 1);
  server_->OnNetworkChange(false);
  loop_.RunUntilIdle();
  EXPECT_EQ(connector_.open_connections(0), 0);
  EXPECT_EQ(counters_.open_connections.value(), 0u);
  Send(2);
  loop_.Advance(Milliseconds(50));
  EXPECT_EQ(connector_.server(0).connects, 2);
  EXPECT_THAT(answered_, ElementsAre(1, 2));
}

TEST_F(UpstreamServerTest, AfterANetworkChangeNoQueryMeetsAnOldConnectionThatSaysNothing) {
  Make();
  Send(1);
  loop_.Advance(Milliseconds(50));
  Silence();
  Send(2);
  server_->OnNetworkChange(false);
  EXPECT_THAT(stalled_, ElementsAre());  // Not inside the call.
  loop_.RunUntilIdle();
  EXPECT_THAT(stalled_, ElementsAre(2));
  EXPECT_TRUE(server_->IsStalled(2));
  Send(3);
  EXPECT_EQ(connector_.server(0).connects, 2);
  // That it is silent is no failure of the server.
  TimeOut(2);
  EXPECT_EQ(server_->health().failures_in_row(), 0);
}

TEST_F(UpstreamServerTest, AnOldConnectionThatSpeaksAfterANetworkChangeIsUsedAgain) {
  Make();
  Send(1);
  loop_.Advance(Milliseconds(3));
  server_->OnNetworkChange(false);
  loop_.Advance(Milliseconds(50));
  EXPECT_THAT(answered_, ElementsAre(1));
  EXPECT_EQ(server_->health().response_time(), std::nullopt);  // It may have slept meanwhile.
  Send(2);
  loop_.Advance(Milliseconds(50));
  EXPECT_EQ(connector_.server(0).connects, 1);
  EXPECT_THAT(answered_, ElementsAre(1, 2));
}

TEST_F(UpstreamServerTest, ANetworkChangeGivesUpAttemptsToConnect) {
  connector_.server(0).handshake = std::nullopt;  // The first packet was lost.
  Make();
  Send(1);
  Send(2);
  loop_.Advance(Milliseconds(100));
  server_->OnNetworkChange(false);
  loop_.RunUntilIdle();
  EXPECT_EQ(connector_.open_connections(0), 0);
  using testing::Pair;
  EXPECT_THAT(failed_, UnorderedElementsAre(Pair(1, UpstreamFailure::kConnectFailed),
                                            Pair(2, UpstreamFailure::kConnectFailed)));
  EXPECT_EQ(counters_.in_flight.value(), 0u);
  connector_.server(0).handshake = Milliseconds(2);
  Send(3);
  loop_.Advance(Milliseconds(50));
  EXPECT_THAT(answered_, ElementsAre(3));
}

TEST_F(UpstreamServerTest, WhoIsForgottenAfterANetworkChangeIsNotReported) {
  connector_.server(0).handshake = std::nullopt;
  Make();
  Send(1);
  server_->OnNetworkChange(false);
  server_->Forget(1);
  loop_.Advance(Seconds(5));
  EXPECT_THAT(failed_, ElementsAre());
}

TEST_F(UpstreamServerTest, WhoWaitsToGoAloneGoesWhenANetworkChangeMakesRoom) {
  Make();
  connector_.server(0).handshake = std::nullopt;
  for (AttemptId attempt = 1; attempt <= kMaxAlone + 1; ++attempt) SendAlone(attempt);
  connector_.server(0).handshake = Milliseconds(2);
  server_->OnNetworkChange(false);
  loop_.Advance(Milliseconds(50));
  EXPECT_EQ(failed_.size(), static_cast<size_t>(kMaxAlone));
  EXPECT_THAT(answered_, ElementsAre(kMaxAlone + 1));
}

TEST_F(UpstreamServerTest, ANetworkChangeProbesAtOnceAndTheBackOffStartsAnew) {
  Refuse();
  Make();
  Send(1);
  loop_.Advance(Seconds(60));
  ASSERT_TRUE(server_->down());
  int connects = connector_.server(0).connects;
  server_->OnNetworkChange(false);
  EXPECT_EQ(connector_.server(0).connects, connects + 1);
  loop_.Advance(Seconds(2));  // 0.5 s and 1 s, give or take a quarter; it was 30 s.
  EXPECT_EQ(connector_.server(0).connects, connects + 3);
  connector_.server(0).connect_failure.reset();
  server_->OnNetworkChange(false);
  loop_.Advance(Milliseconds(2));
  EXPECT_FALSE(server_->down());
}

TEST_F(UpstreamServerTest, ANetworkChangeEndsTheWaitAfterAFailedConnect) {
  Make();
  Send(1);
  loop_.Advance(Milliseconds(50));
  Silence();
  Send(2);  // So that there is one that talks, and a failure marks nothing down.
  Refuse();
  SendAlone(3);
  loop_.Advance(Milliseconds(5));
  ASSERT_FALSE(server_->down());
  EXPECT_EQ(SendAlone(4), UpstreamFailure::kOverloaded);
  server_->OnNetworkChange(false);
  EXPECT_EQ(SendAlone(5), std::nullopt);
}

TEST_F(UpstreamServerTest, NothingIsSentIntoALinkWithoutCarrier) {
  Make();
  Send(1);
  loop_.Advance(Milliseconds(50));
  server_->OnNetworkChange(/*link_down=*/true);
  EXPECT_FALSE(server_->Snapshot().up);
  EXPECT_EQ(Send(2, /*last_resort=*/true), UpstreamFailure::kUnreachable);
  EXPECT_EQ(SendAlone(3), UpstreamFailure::kUnreachable);
  server_->Prepare();
  loop_.Advance(Seconds(60));
  EXPECT_EQ(connector_.server(0).connects, 1);
  EXPECT_FALSE(server_->down());
  server_->OnNetworkChange(false);
  EXPECT_EQ(Send(4), std::nullopt);
  loop_.Advance(Milliseconds(50));
  EXPECT_THAT(answered_, ElementsAre(1, 4));
}

TEST_F(UpstreamServerTest, AServerThatIsDownIsNotProbedWithoutCarrierButAtOnceWithOne) {
  Refuse();
  Make();
  Send(1);
  loop_.Advance(Milliseconds(50));
  ASSERT_TRUE(server_->down());
  const int connects = connector_.server(0).connects;
  server_->OnNetworkChange(/*link_down=*/true);
  loop_.Advance(Seconds(60));
  EXPECT_EQ(connector_.server(0).connects, connects);
  connector_.server(0).connect_failure.reset();
  server_->OnNetworkChange(false);
  loop_.Advance(Milliseconds(50));
  EXPECT_FALSE(server_->down());
}

TEST_F(UpstreamServerTest, WhileItDrainsANetworkChangeOpensNothing) {
  Refuse();
  Make();
  Send(1);
  loop_.Advance(Milliseconds(50));
  server_->Drain();
  const int connects = connector_.server(0).connects;
  server_->OnNetworkChange(false);
  loop_.Advance(Seconds(5));
  EXPECT_EQ(connector_.server(0).connects, connects);
}

}  // namespace
}  // namespace dotcache
