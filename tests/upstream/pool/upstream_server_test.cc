// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/upstream_server.h"

#include <map>
#include <random>
#include <string>
#include <vector>

#include "dns/message_header.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/scripted_connector.h"
#include "tests/support/simulated_loop.h"

namespace dotcache {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

constexpr int kMaxAlone = AttemptPlacer::kMaxAlone;

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
        UpstreamServer::Context{loop_, limits_, connector_, random_, *this, families_, nullptr,
                                /*quiet=*/false},
        options_, 0, DomainName(), counters_);
  }

  // Returns why the query was not taken.
  std::optional<UpstreamFailure> Send(AttemptId attempt, bool alone = false,
                                      const std::string& name = "www.example.com") {
    const auto sent = server_->Send(QueryFor(name), attempt, {.alone = alone});
    if (const auto* failure = std::get_if<UpstreamFailure>(&sent)) return *failure;
    places_[attempt] = std::get<AttemptPlace>(sent);
    return std::nullopt;
  }
  std::optional<UpstreamFailure> SendOf(uint64_t client, AttemptId attempt) {
    UpstreamQuery query = QueryFor("www.example.com");
    query.client = client;
    const auto sent = server_->Send(query, attempt, {});
    if (const auto* failure = std::get_if<UpstreamFailure>(&sent)) return *failure;
    places_[attempt] = std::get<AttemptPlace>(sent);
    return std::nullopt;
  }
  void SendMany(AttemptId first, int count) {
    for (int i = 0; i < count; ++i)
      EXPECT_EQ(Send(first + static_cast<AttemptId>(i)), std::nullopt);
  }
  void Forget(AttemptId attempt) { server_->Forget(attempt, places_.at(attempt)); }

  void Silence() {
    connector_.server(0).reply = [](const UpstreamQuery&) { return ScriptedReply::Silence(); };
  }
  // Only this name has no response.
  void SilenceFor(const std::string& name) {
    connector_.server(0).reply = [silent =
                                      *DomainName::FromText(name)](const UpstreamQuery& query) {
      if (query.question.qname == silent) return ScriptedReply::Silence();
      return ScriptedReply::Message(ScriptedAnswer(query), Milliseconds(10));
    };
  }
  void Answer(Duration delay = Milliseconds(10)) {
    connector_.server(0).reply = [delay](const UpstreamQuery& query) {
      return ScriptedReply::Message(ScriptedAnswer(query), delay);
    };
  }
  // A server that has refused connections for this time.
  void MakeDown(Duration time) {
    Make();
    Refuse();
    Send(1);
    loop_.Advance(time);
  }
  void Refuse() { connector_.server(0).connect_failure = UpstreamFailure::kConnectRefused; }
  void Accept() { connector_.server(0).connect_failure = std::nullopt; }

  // The second connection is refused, and then a message comes on the first one.
  void LearnLimitOfOne() {
    Warm();
    Refuse();
    EXPECT_EQ(Send(1, /*alone=*/true), std::nullopt);
    Send(11);
    loop_.Advance(Seconds(1));
  }

  int connects() { return connector_.server(0).connects; }
  int queries() { return connector_.server(0).queries; }
  ServerState state() const { return server_->StatusAt(loop_.Now()).state; }

  // Lets it be measured, with one query.
  void Warm() {
    Send(1'000'000);
    loop_.Advance(Milliseconds(50));
  }

  void OnAttemptPlaced(AttemptId attempt, const AttemptPlace& place) override {
    places_[attempt] = place;
  }
  void OnAttemptSent(AttemptId attempt) override { sent_.push_back(attempt); }
  void OnAttemptResult(AttemptId attempt, AttemptResult result) override {
    if (const auto* response = std::get_if<UpstreamResponse>(&result)) {
      answered_.push_back(attempt);
      authentic_ = LoadHeader(response->wire).Has(kFlagAd);
    } else {
      failed_[attempt] = std::get<UpstreamFailure>(result);
    }
  }
  void OnAttemptLost(AttemptId attempt, size_t others) override { lost_[attempt] = others; }
  void OnAttemptDoubtful(AttemptId attempt) override { doubtful_.push_back(attempt); }
  void OnAttemptsStalled(const std::vector<AttemptId>& attempts, StallCause cause) override {
    stall_cause_ = cause;
    stalled_.insert(stalled_.end(), attempts.begin(), attempts.end());
  }
  void OnServerChanged(UpstreamServer&) override { ++changes_; }

  SimulatedLoop loop_;
  UpstreamLimits limits_;
  ScriptedConnector connector_{loop_, limits_};
  std::mt19937_64 random_{1};
  AddressFamilies families_{false};
  UpstreamServerOptions options_;
  UpstreamCounters counters_;
  std::map<AttemptId, AttemptPlace> places_;
  std::vector<AttemptId> sent_;
  std::vector<AttemptId> answered_;
  bool authentic_ = false;  // AD of the latest answer.
  std::vector<AttemptId> doubtful_;
  std::map<AttemptId, UpstreamFailure> failed_;
  std::map<AttemptId, size_t> lost_;
  std::vector<AttemptId> stalled_;
  std::optional<StallCause> stall_cause_;
  int changes_ = 0;
  std::unique_ptr<UpstreamServer> server_;
};

TEST_F(UpstreamServerTest, OneClientLeavesSocketsToOthersAndItsOtherQueriesWait) {
  options_.transport = Transport::kUdp;
  limits_.tuning.max_sockets_per_connection = 5;  // Of 4 connections: 20 places.
  Make();
  Warm();
  Silence();
  for (AttemptId attempt = 1; attempt <= 18; ++attempt) EXPECT_EQ(SendOf(7, attempt), std::nullopt);
  EXPECT_EQ(queries(), 1 + 15);
  EXPECT_EQ(places_.at(16).connection, 0u);
  EXPECT_FALSE(places_.at(16).sent);
  for (uint64_t client = 10; client < 15; ++client) {
    EXPECT_EQ(SendOf(client, 100 + client), std::nullopt);
    EXPECT_NE(places_.at(100 + client).connection, 0u);
    Forget(100 + client);
  }
  Forget(1);                                                 // It had a place,
  Forget(17);                                                // and this one waited.
  server_->OnAttemptLate(places_.at(2), Milliseconds(100));  // It needs no place now.
  loop_.RunUntilIdle();
  EXPECT_NE(places_.at(16).connection, 0u);
  EXPECT_NE(places_.at(18).connection, 0u);
  EXPECT_EQ(queries(), 1 + 15 + 5 + 2);
}

TEST_F(UpstreamServerTest, OneClientLeavesAQuarterOfTheQueriesInFlightToOthers) {
  limits_.tuning.max_connections_per_server = 1;
  limits_.tuning.max_in_flight_per_connection = 20;
  Make();
  Warm();
  Silence();
  for (AttemptId attempt = 1; attempt <= 20; ++attempt) {
    EXPECT_EQ(SendOf(7, attempt), std::nullopt);
  }
  EXPECT_EQ(queries(), 1 + 15);
  for (uint64_t client = 10; client < 15; ++client) {
    EXPECT_EQ(SendOf(client, 100 + client), std::nullopt);
    EXPECT_NE(places_.at(100 + client).connection, 0u);
  }
}

TEST_F(UpstreamServerTest, FewAttemptsAreHeldBackAndTheyFailWithTheServer) {
  options_.transport = Transport::kUdp;
  limits_.tuning.max_sockets_per_connection = 1;  // Of 4 connections. One client has three.
  Make();
  Warm();
  Silence();
  constexpr size_t kOfOneClient = AttemptQueue::kLimit * 3 / 4;
  const AttemptId last = 3 + kOfOneClient;
  for (AttemptId attempt = 1; attempt <= last; ++attempt) {
    EXPECT_EQ(SendOf(7, attempt), std::nullopt);
  }
  EXPECT_EQ(SendOf(7, last + 1), UpstreamFailure::kOverloaded);
  server_->Drain();
  loop_.RunUntilIdle();
  EXPECT_THAT(failed_, SizeIs(kOfOneClient));
  EXPECT_EQ(failed_.count(3), 0u);
}

TEST_F(UpstreamServerTest, AuthenticDataIsKeptFromASecureServerOnly) {
  connector_.server(0).reply = [](const UpstreamQuery& query) {
    WireMessage answer = ScriptedAnswer(query);
    answer[3] |= kFlagAd;
    return ScriptedReply::Message(answer);
  };
  const auto is_kept = [this] {
    Make();
    Send(1);
    loop_.Advance(Milliseconds(50));
    EXPECT_THAT(answered_, ElementsAre(1));
    answered_.clear();
    server_.reset();
    return authentic_;
  };
  EXPECT_TRUE(is_kept());
  options_.identity.insecure = true;
  EXPECT_FALSE(is_kept());
  options_.identity.insecure = false;
  for (const Transport clear_text : {Transport::kUdp, Transport::kTcp}) {
    options_.transport = clear_text;
    EXPECT_FALSE(is_kept());
  }
}

TEST_F(UpstreamServerTest, ManyAttemptsShareOneConnection) {
  Make();
  SendMany(1, 60);
  EXPECT_FALSE(places_[1].sent);
  loop_.Advance(Milliseconds(50));
  EXPECT_THAT(sent_, SizeIs(60));
  EXPECT_THAT(answered_, SizeIs(60));
  EXPECT_EQ(connects(), 1);
  EXPECT_EQ(counters_.queries.value(), 60u);
  EXPECT_EQ(counters_.responses.value(), 60u);
  EXPECT_EQ(counters_.in_flight.value(), 0u);
}

TEST_F(UpstreamServerTest, AnotherConnectionIsOpenedWhenTheFirstIsFullUpToTheLimit) {
  Make();
  Silence();
  const int room = limits_.tuning.max_in_flight_per_connection;
  const int limit = limits_.tuning.max_connections_per_server;
  SendMany(1, room * limit);
  EXPECT_EQ(connects(), limit);
  EXPECT_EQ(Send(1'000'000), UpstreamFailure::kOverloaded);
}

TEST_F(UpstreamServerTest, ARefusedConnectionFailsItsAttemptsAndTakesTheServerDown) {
  MakeDown(Milliseconds(5));
  EXPECT_EQ(failed_.at(1), UpstreamFailure::kConnectRefused);
  EXPECT_EQ(state(), ServerState::kDown);
  EXPECT_EQ(counters_.up.value(), 0u);
  EXPECT_EQ(counters_.failed_handshakes.value(), 0u);  // No TLS handshake was tried.
  EXPECT_EQ(Send(2), UpstreamFailure::kConnectRefused);
}

TEST_F(UpstreamServerTest, AServerThatIsDownIsProbedUntilItIsBack) {
  MakeDown(Seconds(20));
  const int probes = connects();
  EXPECT_GE(probes, 4);
  EXPECT_LE(probes, 7);  // After 0.5, 1, 2, 4 and 8 s.
  EXPECT_EQ(state(), ServerState::kDead);
  Accept();
  loop_.Advance(Seconds(25));
  EXPECT_EQ(state(), ServerState::kUp);
  EXPECT_EQ(Send(2), std::nullopt);
}

TEST_F(UpstreamServerTest, WhileUrgentItIsProbedTenTimesASecondForASecondAndThenOnce) {
  MakeDown(Milliseconds(5));
  server_->probes().SetUrgent(true);
  loop_.Advance(Milliseconds(1000));
  const int first_second = connects();
  EXPECT_GE(first_second, 8);
  EXPECT_LE(first_second, 12);
  loop_.Advance(Seconds(10));
  EXPECT_GE(connects() - first_second, 9);
  EXPECT_LE(connects() - first_second, 12);
}

TEST_F(UpstreamServerTest, AProbeForAQueryBeginsASecondAfterTheLatestConnect) {
  Make();
  connector_.server(0).connect_failure = UpstreamFailure::kCertificate;
  Send(1);
  loop_.Advance(Milliseconds(500));
  server_->probes().OnDemand();
  EXPECT_EQ(connects(), 1);
  loop_.Advance(Milliseconds(600));
  server_->probes().OnDemand();
  EXPECT_EQ(connects(), 1);  // Five seconds after a certificate failed.
  loop_.Advance(Milliseconds(4000));
  server_->probes().OnDemand();
  EXPECT_EQ(connects(), 2);
}

TEST_F(UpstreamServerTest, ALostConnectionLosesItsAttemptsAndTheNextOneConnects) {
  Make();
  Silence();
  Warm();
  SendMany(1, 3);
  connector_.Disconnect(0);
  EXPECT_EQ(lost_.at(1), 3u);  // With the warm-up query.
  EXPECT_EQ(state(), ServerState::kUp);
  Answer();
  EXPECT_EQ(Send(4), std::nullopt);
  loop_.Advance(Milliseconds(50));
  EXPECT_THAT(answered_, ElementsAre(4));
  EXPECT_EQ(connects(), 2);
}

TEST_F(UpstreamServerTest, ANameWithoutResponseIsNoEvidenceAgainstTheServer) {
  Make();
  SilenceFor("hole.example");
  for (AttemptId attempt = 1; attempt <= 100; ++attempt) {
    EXPECT_EQ(Send(attempt, false, "hole.example"), std::nullopt);
    loop_.Advance(Milliseconds(200));
    EXPECT_EQ(state(), ServerState::kUp) << attempt;
  }
  EXPECT_EQ(connects(), 1);
  EXPECT_GE(connector_.server(0).life_questions, 50);
}

TEST_F(UpstreamServerTest, SilenceStallsTheAttemptsAndPutsTheServerOnTrial) {
  Make();
  Warm();
  Silence();
  SendMany(1, 2);
  loop_.Advance(Milliseconds(39));
  EXPECT_THAT(stalled_, SizeIs(0));
  loop_.Advance(Milliseconds(2));  // Four times 10 ms.
  EXPECT_THAT(stalled_, ElementsAre(1, 2));
  EXPECT_EQ(state(), ServerState::kOnTrial);
  EXPECT_EQ(counters_.stalls.value(), 1u);
  EXPECT_EQ(connects(), 2);
  loop_.Advance(Milliseconds(250));
  EXPECT_EQ(state(), ServerState::kDown);
  EXPECT_EQ(server_->StatusAt(loop_.Now()).last_failure, UpstreamFailure::kTimeout);
}

TEST_F(UpstreamServerTest, ALateAnswerEndsTheTrial) {
  Make();
  Warm();
  Answer(Milliseconds(120));
  SendMany(1, 2);
  loop_.Advance(Milliseconds(60));
  EXPECT_EQ(state(), ServerState::kOnTrial);
  loop_.Advance(Milliseconds(70));
  EXPECT_EQ(state(), ServerState::kUp);
  EXPECT_THAT(answered_, SizeIs(3));
}

TEST_F(UpstreamServerTest, AServerThatWasSilentMustAnswerToBeUp) {
  Make();
  Warm();
  Silence();
  SendMany(1, 2);
  loop_.Advance(Seconds(5));
  ASSERT_EQ(state(), ServerState::kDead);
  EXPECT_GE(connects(), 3);  // It lets itself be connected to.
  Answer();
  loop_.Advance(Seconds(10));
  EXPECT_EQ(state(), ServerState::kUp);
}

TEST_F(UpstreamServerTest, OverUdpASignOfLifeIsRequestedThreeTimes) {
  options_.transport = Transport::kUdp;
  Make();
  int asked = 0;
  connector_.server(0).reply = [&asked](const UpstreamQuery& query) {
    const bool is_life = query.question.qtype == QType::kNs;
    if (!is_life || ++asked < 3) return ScriptedReply::Silence();
    return ScriptedReply::Message(ScriptedAnswer(query), Milliseconds(1));
  };
  SendMany(1, 2);
  loop_.Advance(Seconds(2));
  EXPECT_EQ(asked, 3);
  EXPECT_EQ(state(), ServerState::kUp);
}

TEST_F(UpstreamServerTest, ForgottenAttemptsAreNotReportedButTheirResponsesAreMeasured) {
  Make();
  Send(1);
  loop_.Advance(Milliseconds(5));
  Forget(1);
  EXPECT_EQ(counters_.given_up.value(), 1u);
  loop_.Advance(Milliseconds(50));
  EXPECT_THAT(answered_, SizeIs(0));
  EXPECT_EQ(counters_.late.value(), 1u);
  EXPECT_EQ(server_->health().response_time(), Milliseconds(10));
}

TEST_F(UpstreamServerTest, CountersAddUpAtRest) {
  Make();
  SilenceFor("hole.example");
  for (AttemptId attempt = 1; attempt <= 40; ++attempt) {
    Send(attempt, attempt % 5 == 0, attempt % 3 == 0 ? "hole.example" : "www.example.com");
    loop_.Advance(Milliseconds(1));
  }
  loop_.Advance(Seconds(1));
  connector_.Disconnect(0);
  loop_.Advance(Seconds(1));
  EXPECT_EQ(counters_.in_flight.value(), 0u);
  EXPECT_EQ(counters_.queries.value(),
            counters_.responses.value() + counters_.failures.value() + counters_.given_up.value());
}

TEST_F(UpstreamServerTest, MismatchesAreCountedAndDoubtful) {
  Make();
  Silence();
  Warm();
  Send(1);
  connector_.SendMismatch(0);
  EXPECT_EQ(counters_.mismatched.value(), 1u);
  EXPECT_THAT(doubtful_, SizeIs(1));
}

TEST_F(UpstreamServerTest, AnAttemptThatGoesAloneSharesNoConnection) {
  Make();
  Silence();
  Warm();
  Send(1, /*alone=*/true);
  loop_.Advance(Milliseconds(5));
  EXPECT_EQ(connects(), 2);
  Send(2);
  EXPECT_NE(places_[2].connection, places_[1].connection);
  Forget(1);  // Its response may still do harm.
  loop_.Advance(Milliseconds(1));
  EXPECT_EQ(connector_.open_connections(0), 1);
}

TEST_F(UpstreamServerTest, AttemptsThatGoAloneTakeTurns) {
  Make();
  Warm();
  for (AttemptId attempt = 1; attempt <= 3 * kMaxAlone; ++attempt) Send(attempt, true);
  EXPECT_EQ(places_[kMaxAlone].connection != 0, true);
  EXPECT_EQ(places_[kMaxAlone + 1].connection, 0u);
  loop_.Advance(Milliseconds(200));
  EXPECT_THAT(answered_, SizeIs(1 + 3 * kMaxAlone));
  EXPECT_EQ(connects(), 1 + 3 * kMaxAlone);  // The server may close one that has answered.
}

TEST_F(UpstreamServerTest, AttemptsThatWaitForATurnFailWithTheServer) {
  Make();
  Warm();
  Refuse();
  connector_.Disconnect(0);
  for (AttemptId attempt = 1; attempt <= kMaxAlone + 2; ++attempt) Send(attempt, true);
  loop_.Advance(Milliseconds(20));
  EXPECT_THAT(failed_, SizeIs(kMaxAlone + 2));
}

TEST_F(UpstreamServerTest, IfTooManyWaitForATurnTheOthersShare) {
  Make();
  Silence();
  Warm();
  for (size_t i = 1; i <= kMaxAlone + AttemptQueue::kLimit; ++i) Send(i, true);
  EXPECT_EQ(places_[kMaxAlone + AttemptQueue::kLimit].connection, 0u);
  Send(1'000, true);
  EXPECT_EQ(places_[1'000].connection, places_[1'000'000].connection);
}

TEST_F(UpstreamServerTest, ANetworkChangeStallsWhatIsInFlightAndReconnects) {
  Make();
  Silence();
  Warm();
  Send(1);
  server_->OnNetworkChange(/*link_down=*/false);
  EXPECT_THAT(stalled_, SizeIs(0));  // Not inside the call.
  loop_.Advance(Milliseconds(1));
  EXPECT_THAT(stalled_, SizeIs(2));
  EXPECT_EQ(stall_cause_, StallCause::kNetworkChange);
  Answer();
  Send(2);
  EXPECT_NE(places_[2].connection, places_[1].connection);
  loop_.Advance(Milliseconds(50));
  EXPECT_THAT(answered_, ElementsAre(2));
}

TEST_F(UpstreamServerTest, ANetworkChangeClosesIdleConnectionsAndThoseThatConnect) {
  Make();
  connector_.server(0).handshake = std::nullopt;
  Send(1);
  server_->OnNetworkChange(false);
  loop_.Advance(Milliseconds(1));
  EXPECT_EQ(failed_.at(1), UpstreamFailure::kConnectFailed);  // It was not sent.
  EXPECT_EQ(connector_.open_connections(0), 0);
  EXPECT_EQ(state(), ServerState::kUp);
}

TEST_F(UpstreamServerTest, WithoutACarrierNothingIsSentOrProbed) {
  Make();
  server_->OnNetworkChange(/*link_down=*/true);
  EXPECT_EQ(state(), ServerState::kNoCarrier);
  EXPECT_EQ(Send(1), UpstreamFailure::kUnreachable);
  server_->Prepare();
  loop_.Advance(Seconds(60));
  EXPECT_EQ(connects(), 0);
  server_->OnNetworkChange(false);
  EXPECT_EQ(Send(2), std::nullopt);
}

TEST_F(UpstreamServerTest, ANetworkChangeProbesAServerThatIsDownAtOnce) {
  MakeDown(Seconds(100));
  const int before = connects();
  Accept();
  server_->OnNetworkChange(false);
  EXPECT_EQ(connects(), before + 1);
  loop_.Advance(Milliseconds(5));
  EXPECT_EQ(state(), ServerState::kUp);
}

TEST_F(UpstreamServerTest, WhenTrustChangesConnectionsAreReplacedAndNothingIsLost) {
  Make();
  Answer(Milliseconds(100));
  Warm();
  Send(1);
  server_->OnTrustChanged();
  EXPECT_EQ(connects(), 2);
  Send(2);
  EXPECT_NE(places_[2].connection, places_[1].connection);
  loop_.Advance(Milliseconds(300));
  EXPECT_THAT(answered_, SizeIs(3));
  EXPECT_EQ(connector_.open_connections(0), 1);
}

TEST_F(UpstreamServerTest, WhenTrustChangesAnUnusedServerIsLeftAlone) {
  Make();
  server_->OnTrustChanged();
  EXPECT_EQ(connects(), 0);
}

TEST_F(UpstreamServerTest, DrainClosesConnectionsWhenTheyAreIdle) {
  Make();
  Warm();
  Send(1);
  server_->Drain();
  EXPECT_FALSE(server_->drained());
  loop_.Advance(Milliseconds(50));
  EXPECT_THAT(answered_, SizeIs(2));
  EXPECT_TRUE(server_->drained());
  server_->OnNetworkChange(false);
  loop_.Advance(Seconds(60));
  EXPECT_EQ(connects(), 1);
}

TEST_F(UpstreamServerTest, ARetiredServerWritesNoGauge) {
  Make();
  Silence();
  Warm();
  server_->Retire();
  EXPECT_EQ(counters_.in_flight.value(), 0u);
  connector_.Disconnect(0);
  loop_.Advance(Milliseconds(1));
  EXPECT_EQ(counters_.open_connections.value(), 0u);
  EXPECT_TRUE(server_->drained());
}

TEST_F(UpstreamServerTest, LackOfOurDescriptorsIsNoEvidenceAgainstAConnectedServer) {
  Make();
  Warm();
  connector_.server(0).connect_failure = UpstreamFailure::kOutOfResources;
  Send(1, /*alone=*/true);
  loop_.Advance(Milliseconds(5));
  EXPECT_EQ(state(), ServerState::kUp);
  Send(2);
  loop_.Advance(Milliseconds(50));
  EXPECT_THAT(answered_, SizeIs(2));
}

TEST_F(UpstreamServerTest, AConnectedServerIsNotOfABrokenFamily) {
  Make();
  Warm();
  families_.NoteReached(/*is_v6=*/true);
  for (const int other : {1, 2}) {
    families_.NoteFailure(/*is_v6=*/false, other, UpstreamFailure::kUnreachable);
  }
  ASSERT_TRUE(families_.broken(/*is_v6=*/false));
  EXPECT_FALSE(server_->StatusAt(loop_.Now()).family_broken);
}

TEST_F(UpstreamServerTest, EachChangeOfStateIsLoggedOnceWithItsCause) {
  Make();
  Refuse();
  testing::internal::CaptureStderr();
  Send(1);
  loop_.Advance(Seconds(9));
  const std::string down = testing::internal::GetCapturedStderr();
  EXPECT_THAT(down, HasSubstr("upstream down provider=example address=192.0.2.53:853 "
                              "phase=connect failure=refused cause=scripted"));
  EXPECT_EQ(down.find("upstream", down.find("upstream down") + 1), std::string::npos);
  Accept();
  testing::internal::CaptureStderr();
  loop_.Advance(Seconds(20));
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("upstream up"));
}

TEST_F(UpstreamServerTest, AtTheLimitOfTheServerAnAttemptSharesInsteadOfGoingAlone) {
  options_.max_connections = 1;
  Make();
  Warm();
  EXPECT_EQ(Send(1, /*alone=*/true), std::nullopt);
  loop_.Advance(Milliseconds(50));
  EXPECT_THAT(answered_, testing::Contains(1));
  EXPECT_EQ(connects(), 1);
}

TEST_F(UpstreamServerTest, AtTheLimitOfTheServerASilentConnectionIsClosedBeforeAnotherIsOpened) {
  options_.max_connections = 1;
  Make();
  Warm();
  Silence();
  EXPECT_EQ(Send(1), std::nullopt);
  loop_.Advance(Milliseconds(900));
  EXPECT_EQ(connects(), 1);
  Answer();
  loop_.Advance(Seconds(3));
  EXPECT_EQ(connects(), 2);
  EXPECT_EQ(state(), ServerState::kUp);
}

TEST_F(UpstreamServerTest, ARefusedConnectionWhileAnotherWorksSetsTheLimit) {
  Make();
  LearnLimitOfOne();
  Accept();
  const int before = connects();
  EXPECT_EQ(Send(2, /*alone=*/true), std::nullopt);
  loop_.Advance(Milliseconds(50));
  EXPECT_THAT(answered_, testing::Contains(2));
  EXPECT_EQ(connects(), before);
}

// The listener is closed first, then the connections.
TEST_F(UpstreamServerTest, AServerThatRestartsTeachesNoLimit) {
  Make();
  Warm();
  Refuse();
  EXPECT_EQ(Send(1, /*alone=*/true), std::nullopt);
  loop_.Advance(Milliseconds(20));
  Send(11);
  connector_.Disconnect(0);
  loop_.Advance(Milliseconds(20));
  Accept();
  loop_.Advance(Seconds(2));
  Warm();
  const int before = connects();
  EXPECT_EQ(Send(2, /*alone=*/true), std::nullopt);
  loop_.Advance(Milliseconds(50));
  EXPECT_EQ(connects(), before + 1);
}

TEST_F(UpstreamServerTest, WithoutAConnectionTheLimitIsForgotten) {
  Make();
  LearnLimitOfOne();
  connector_.Disconnect(0);
  Accept();
  Warm();
  const int before = connects();
  EXPECT_EQ(Send(2, /*alone=*/true), std::nullopt);
  EXPECT_EQ(connects(), before + 1);
}

TEST_F(UpstreamServerTest, QueriesThatWaitForOneAnotherGetAnotherConnection) {
  Make();
  AttemptId attempt = 0;
  const auto measure = [this, &attempt] {
    for (int i = 0; i < 20; ++i) {
      Send(++attempt);
      loop_.Advance(Milliseconds(50));
    }
  };
  measure();
  Answer(/*delay=*/Milliseconds(40));  // Four times as long as at best.
  measure();
  SendMany(1'000, ServerConnections::kCrowded);
  EXPECT_EQ(connects(), 1);
  Send(2'000);
  EXPECT_EQ(connects(), 2);
}

TEST_F(UpstreamServerTest, TakenOutItIsNeitherQueriedNorProbed) {
  MakeDown(Milliseconds(50));
  server_->Use(false);
  EXPECT_EQ(counters_.taken_out.value(), 1u);
  const int before = connects();
  loop_.Advance(Seconds(60));
  EXPECT_EQ(connects(), before);
  EXPECT_EQ(Send(2), UpstreamFailure::kUnreachable);
  EXPECT_EQ(state(), ServerState::kNoAddress);
  Accept();
  server_->Use(true);
  EXPECT_EQ(counters_.taken_out.value(), 0u);
  loop_.Advance(Milliseconds(50));
  EXPECT_EQ(connects(), before + 1);
  EXPECT_EQ(state(), ServerState::kUp);
}

TEST_F(UpstreamServerTest, TakenOutItIsNotConnectedToWhenItBecomesSilent) {
  Make();
  Warm();
  Silence();
  Send(1);
  server_->Use(false);
  const int before = connects();
  loop_.Advance(Seconds(10));
  EXPECT_THAT(stalled_, testing::Contains(1));
  EXPECT_EQ(connects(), before);
}

TEST_F(UpstreamServerTest, TakenOutItAnswersWhatItHasAndClosesItsConnections) {
  Make();
  Warm();
  Send(1);
  server_->Use(false);
  loop_.Advance(Milliseconds(50));
  EXPECT_THAT(answered_, testing::Contains(1));
  EXPECT_EQ(connector_.open_connections(0), 0);
}

}  // namespace
}  // namespace dotcache
