// SPDX-License-Identifier: Apache-2.0
// What may still come of a connection that its server has given up in the same turn, and of those
// who waited for one.
#include <random>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/scripted_connector.h"
#include "tests/support/simulated_loop.h"
#include "upstream/pool/upstream_server.h"

namespace dotcache {
namespace {

UpstreamQuery QueryFor(absl::string_view name) {
  UpstreamQuery query;
  query.question = {*DomainName::FromText(name), QType::kA, QClass::kIn};
  return query;
}

// A connection that does what the test says, when it says so.
class HeldConnection : public Connection {
 public:
  HeldConnection(Connection::Delegate& delegate, EventLoop& loop)
      : delegate_(delegate), loop_(loop) {}

  void Send(const UpstreamQuery&, AttemptId attempt) override { sent_.push_back(attempt); }
  void Forget(AttemptId attempt) override { std::erase(sent_, attempt); }
  bool ready() const override { return ready_; }
  bool HasRoom() const override { return room; }
  int in_flight() const override { return static_cast<int>(sent_.size()); }
  MonoTime last_received() const override { return last_received_; }

  void BecomeReady() {
    ready_ = true;
    delegate_.OnConnectionReady(*this, false, Milliseconds(1));
  }
  void Answer(AttemptId attempt) {
    std::erase(sent_, attempt);
    last_received_ = loop_.Now();
    const UpstreamQuery query = QueryFor("www.example.com");
    EdnsInfo edns;
    delegate_.OnAttemptResult(*this, attempt,
                              JudgeResponse(ScriptedAnswer(query), query.question, &edns));
  }
  void AnswerLate() {
    last_received_ = loop_.Now();
    delegate_.OnUnwantedAnswer(*this);
  }

  bool room = true;

 private:
  Connection::Delegate& delegate_;
  EventLoop& loop_;
  bool ready_ = false;
  std::vector<AttemptId> sent_;
  MonoTime last_received_;
};

class HeldConnector : public Connector {
 public:
  explicit HeldConnector(EventLoop& loop) : loop_(loop) {}
  std::unique_ptr<Connection> Connect(const UpstreamServerOptions&, int,
                                      Connection::Delegate& delegate) override {
    auto connection = std::make_unique<HeldConnection>(delegate, loop_);
    made.push_back(connection.get());
    return connection;
  }
  std::vector<HeldConnection*> made;  // Some may be gone.

 private:
  EventLoop& loop_;
};

class TakenOutTest : public testing::Test, protected UpstreamServer::Delegate {
 protected:
  void Make(Connector& connector) {
    server_ = std::make_unique<UpstreamServer>(
        UpstreamServer::Context{loop_, limits_, connector, random_, *this, families_, false},
        options_, 0, counters_, probe_gate_);
  }
  void Send(AttemptId attempt, UpstreamServer::SendMode mode = {}) {
    server_->Send(QueryFor("www.example.com"), attempt, mode);
  }

  void OnAttemptResult(AttemptId attempt, AttemptResult) override { ended_.push_back(attempt); }
  void OnAttemptLost(AttemptId attempt, size_t) override { lost_.push_back(attempt); }
  void OnAttemptDoubtful(AttemptId) override {}
  void OnServerReady(UpstreamServer&) override {}
  void OnStall(const std::vector<AttemptId>&) override {}

  SimulatedLoop loop_;
  UpstreamLimits limits_;
  std::mt19937_64 random_{1};
  AddressFamilies families_{false};
  UpstreamServerOptions options_;
  UpstreamCounters counters_;
  ProbeGate probe_gate_;
  HeldConnector held_{loop_};
  ScriptedConnector scripted_{loop_, limits_};
  std::vector<AttemptId> ended_;
  std::vector<AttemptId> lost_;
  std::unique_ptr<UpstreamServer> server_;
};

TEST_F(TakenOutTest, ALateAnswerOnAConnectionThatMadeWayIsIgnored) {
  limits_.tuning.max_connections_per_server = 1;
  Make(held_);
  Send(1);
  held_.made[0]->BecomeReady();
  Send(2);
  Send(3);
  loop_.Advance(Seconds(2));  // Silent for long.
  server_->Forget(2);
  Send(4);  // Takes the silent one out; it is deleted when the turn ends.
  ASSERT_EQ(held_.made.size(), 2u);
  held_.made[0]->AnswerLate();
  loop_.RunUntilIdle();
  EXPECT_THAT(lost_, testing::UnorderedElementsAre(1, 3));  // And its attempts are told so.
}

TEST_F(TakenOutTest, ALateAnswerInTheReadThatEndedADrainIsIgnored) {
  Make(held_);
  Send(1);
  Send(2);
  held_.made[0]->BecomeReady();
  server_->Forget(2);
  server_->Drain();
  held_.made[0]->Answer(1);
  held_.made[0]->AnswerLate();
  EXPECT_EQ(ended_, (std::vector<AttemptId>{1}));
}

TEST_F(TakenOutTest, WhoWaitsToGoAloneHasHisTurnWhenNoConnectionCanBeKept) {
  limits_.tuning.max_connections_per_server = 1;
  Make(held_);
  Send(1);
  held_.made[0]->BecomeReady();
  held_.made[0]->Answer(1);
  for (AttemptId attempt = 10; attempt < 15; ++attempt) Send(attempt, {.alone = true});
  ASSERT_EQ(held_.made.size(), 5u);
  for (size_t i = 1; i < 5; ++i) held_.made[i]->BecomeReady();
  for (size_t i = 1; i < 5; ++i) {
    held_.made[i]->room = false;
    held_.made[i]->Answer(9 + i);
  }
  EXPECT_EQ(held_.made.size(), 6u);
}

TEST_F(TakenOutTest, AProbeIsMadeThoughWhatWasConnectingWasForgotten) {
  Make(scripted_);
  Send(1);
  loop_.Advance(Milliseconds(100));
  scripted_.server(0).handshake = std::nullopt;
  scripted_.server(0).reply = [](const UpstreamQuery&) { return ScriptedReply::Silence(); };
  for (AttemptId attempt = 2; attempt < 5; ++attempt) Send(attempt);
  Send(9, {.alone = true});
  scripted_.Disconnect(0);
  loop_.Advance(Seconds(3));
  for (AttemptId attempt = 2; attempt < 10; ++attempt) server_->Forget(attempt);
  scripted_.server(0).handshake = Milliseconds(2);
  loop_.Advance(Seconds(60));
  EXPECT_FALSE(server_->down());
}

TEST_F(TakenOutTest, AFailureOfOurOwnIsNoWordOfTheServers) {
  Make(scripted_);
  Send(1);
  loop_.Advance(Milliseconds(100));
  scripted_.server(0).reply = [](const UpstreamQuery&) { return ScriptedReply::Silence(); };
  for (AttemptId attempt = 2; !server_->down() && attempt < 10; ++attempt) {
    Send(attempt);
    loop_.Advance(Milliseconds(900));
    server_->OnAttemptTimeout(attempt);
  }
  ASSERT_TRUE(server_->down());
  scripted_.server(0).reply = [](const UpstreamQuery&) {
    return ScriptedReply::Failure(UpstreamFailure::kOverloaded);
  };
  loop_.Advance(Seconds(1));
  Send(100, {.last_resort = true});
  loop_.Advance(Milliseconds(10));
  EXPECT_NE(server_->health().state(), UpstreamHealth::State::kUp);
}

TEST_F(TakenOutTest, SilenceOfThoseWhoGoAloneIsNoFailureWhileOthersAreAnswered) {
  Make(scripted_);
  for (AttemptId attempt = 1; attempt < 20; ++attempt) {
    Send(attempt);
    loop_.Advance(Milliseconds(50));
  }
  scripted_.server(0).reply = [](const UpstreamQuery&) { return ScriptedReply::Silence(); };
  for (AttemptId attempt = 100; attempt < 104; ++attempt) Send(attempt, {.alone = true});
  loop_.Advance(Milliseconds(110));
  for (AttemptId attempt = 100; attempt < 104; ++attempt) server_->OnAttemptTimeout(attempt);
  EXPECT_FALSE(server_->down());
}

}  // namespace
}  // namespace dotcache
