// SPDX-License-Identifier: Apache-2.0
#include "upstream/connection/classic_connection.h"

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "dns/message_header.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/loopback_classic_server.h"
#include "tests/support/loopback_dot_server.h"
#include "tests/support/message_builder.h"
#include "tests/upstream/connection/recording_observer.h"
#include "upstream/connection/socket_connector.h"

namespace dotcache {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

using Messages = std::vector<WireMessage>;

Messages Answer(const ClassicQuery& query) { return {AnswerTo(query.wire)}; }
Messages Silence(const ClassicQuery&) { return {}; }

WireMessage Truncated(const ClassicQuery& query) {
  WireMessage message = ErrorTo(query.wire, Rcode::kNoError);
  StoreU16(&message[2], LoadU16(&message[2]) | kFlagTc);
  return message;
}
Messages TruncateUdp(const ClassicQuery& query) {
  return query.transport == Transport::kUdp ? Messages{Truncated(query)} : Answer(query);
}

// The true answer behind what a forger who guessed almost right would send.
WireMessage WithOtherId(WireMessage message) {
  StoreU16(message.data(), static_cast<uint16_t>(LoadU16(message.data()) + 1));
  return message;
}
WireMessage WithOtherName(WireMessage message) {
  message[kHeaderSize + 1] ^= 1;
  return message;
}

// A real server on loopback and a connection to it.
class ClassicConnectionTest : public testing::Test, protected Connection::Delegate {
 protected:
  ClassicConnectionTest() { options_.transport = Transport::kUdp; }

  void Connect() {
    options_.endpoint = server_.endpoint();
    connector_ =
        std::make_unique<SocketConnector>(loop_, limits_, SocketConnector::Credentials{nullptr});
    connector_->Observe(observer_);
    connection_ = connector_->Connect(options_, 0, *this);
  }

  void Send(AttemptId attempt, const std::string& name = "www.corp.example", uint64_t client = 0) {
    UpstreamQuery query;
    query.client = client;
    query.question = {*DomainName::FromText(name), QType::kA, QClass::kIn};
    tickets_[attempt] = connection_->Send(query, attempt);
  }

  bool RunUntil(absl::FunctionRef<bool()> done) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!done()) {
      if (std::chrono::steady_clock::now() > end) return false;
      loop_.RunOnce();
      server_.Pump();
      std::this_thread::yield();
    }
    return true;
  }
  bool RunUntilResults(size_t count) {
    return RunUntil([this, count] { return answers_.size() + failures_.size() >= count; });
  }
  bool RunUntilQueries(size_t count) {
    return RunUntil([this, count] { return server_.queries().size() >= count; });
  }
  bool RunUntilClosed() {
    return RunUntil([this] { return closed_; });
  }

  void OnConnectionReady(Connection&, bool resumed, Duration) override {
    EXPECT_FALSE(resumed);
    ++ready_;
  }
  void OnAttemptResult(Connection&, AttemptId attempt, AttemptResult result, Duration) override {
    EXPECT_EQ(ready_, 1);
    if (auto* failure = std::get_if<UpstreamFailure>(&result)) {
      failures_[attempt] = *failure;
    } else {
      answers_.push_back(attempt);
    }
  }
  void OnLateResult(Connection&, const AttemptResult&, Duration) override { ++late_results_; }
  void OnSignOfLife(Connection&) override { ++signs_of_life_; }
  void OnMismatch(Connection&, std::optional<AttemptId>) override { ++mismatches_; }
  void OnConnectionClosed(Connection&, Connection::End end) override {
    EXPECT_FALSE(closed_);
    EXPECT_FALSE(end.graceful);
    EXPECT_NE(end.detail, "");
    closed_ = true;
    failure_ = end.failure;
    lost_ = std::move(end.lost);
    lost_.insert(lost_.end(), end.not_sent.begin(), end.not_sent.end());
    loop_.DeferDelete(std::move(connection_));
  }

  UvLoop loop_;
  UpstreamLimits limits_;
  UpstreamServerOptions options_;
  LoopbackClassicServer server_{Answer};
  RecordingObserver observer_;
  std::unique_ptr<SocketConnector> connector_;
  std::unique_ptr<Connection> connection_;

  int ready_ = 0;
  std::vector<AttemptId> answers_;
  std::map<AttemptId, UpstreamFailure> failures_;
  std::map<AttemptId, AttemptTicket> tickets_;
  int mismatches_ = 0;
  int late_results_ = 0;
  int signs_of_life_ = 0;
  bool closed_ = false;
  UpstreamFailure failure_ = UpstreamFailure::kTimeout;
  std::vector<AttemptId> lost_;
};

TEST_F(ClassicConnectionTest, AnObservedQueryIsShownOverUdpAndThenOverTcp) {
  server_.set_handler(TruncateUdp);
  Connect();
  UpstreamQuery query;
  query.question = {*DomainName::FromText("a.corp.example"), QType::kA, QClass::kIn};
  query.observed = true;
  connection_->Send(query, 1);
  ASSERT_TRUE(RunUntilResults(1));
  EXPECT_THAT(observer_.What(),
              ElementsAre("query udp a.corp.example.", "response udp a.corp.example.",
                          "query tcp a.corp.example.", "response tcp a.corp.example."));
  EXPECT_EQ(observer_.seen[0].wire, server_.queries()[0].wire);
  EXPECT_EQ(observer_.seen[0].server, options_.endpoint);
}

TEST_F(ClassicConnectionTest, IsReadyInALaterTurnAndAnswers) {
  Connect();
  EXPECT_FALSE(connection_->ready());
  Send(7);
  EXPECT_EQ(ready_, 0);
  EXPECT_EQ(connection_->in_flight(), 1);
  ASSERT_TRUE(RunUntilResults(1));
  EXPECT_TRUE(connection_->ready());
  EXPECT_THAT(answers_, ElementsAre(7));
  EXPECT_EQ(connection_->in_flight(), 0);
  EXPECT_NE(connection_->last_received(), MonoTime());
}

TEST_F(ClassicConnectionTest, AQueryAnnounces1232OctetsAndHasNoOption) {
  Connect();
  Send(1);
  ASSERT_TRUE(RunUntilQueries(1));
  const WireMessage& query = server_.queries()[0].wire;
  const size_t opt = kHeaderSize + 18 + 4;
  ASSERT_EQ(query.size(), opt + 11);
  EXPECT_EQ(LoadU16(&query[opt + 3]), 1232);
  EXPECT_EQ(LoadU16(&query[opt + 9]), 0);
}

TEST_F(ClassicConnectionTest, EachQueryHasAnUnpredictablePortAndId) {
  limits_.tuning.max_sockets_per_connection = 200;
  server_.set_handler(Silence);
  Connect();
  for (AttemptId attempt = 0; attempt < 200; ++attempt) Send(attempt);
  ASSERT_TRUE(RunUntilQueries(200));
  std::set<int> ports;
  std::set<uint16_t> ids;
  int ascending = 0;
  uint16_t last = 0;
  for (const ClassicQuery& query : server_.queries()) {
    const uint16_t id = LoadU16(query.wire.data());
    ports.insert(query.from.port());
    ids.insert(id);
    ascending += id > last ? 1 : 0;
    last = id;
  }
  EXPECT_EQ(ports.size(), 200u);
  EXPECT_GT(ids.size(), 190u);
  EXPECT_GT(ascending, 60);
  EXPECT_LT(ascending, 140);
}

TEST_F(ClassicConnectionTest, WhatDoesNotMatchIsDroppedAndTheRightAnswerStillWins) {
  server_.set_handler([](const ClassicQuery& query) {
    const WireMessage answer = AnswerTo(query.wire);
    return Messages{WithOtherId(answer),  WithOtherName(answer), query.wire,
                    WireMessage{1, 2, 3}, WireMessage{},         answer};
  });
  Connect();
  Send(1);
  ASSERT_TRUE(RunUntilResults(1));
  EXPECT_THAT(answers_, ElementsAre(1));
  EXPECT_EQ(mismatches_, 5);
  EXPECT_EQ(server_.queries().size(), 1u);
}

TEST_F(ClassicConnectionTest, AFloodOfGuessesSendsTheQueryOverTcp) {
  server_.set_handler([](const ClassicQuery& query) {
    const WireMessage answer = AnswerTo(query.wire);
    if (query.transport == Transport::kTcp) return Messages{answer};
    return Messages(40, WithOtherId(answer));
  });
  Connect();
  Send(1);
  ASSERT_TRUE(RunUntilResults(1));
  EXPECT_THAT(answers_, ElementsAre(1));
  EXPECT_EQ(mismatches_, 16);
  EXPECT_EQ(server_.queries_over(Transport::kTcp), 1);
}

TEST_F(ClassicConnectionTest, TruncatedResponsesAreFetchedOverOneTcpConnection) {
  server_.set_handler(TruncateUdp);
  Connect();
  for (AttemptId attempt = 1; attempt <= 3; ++attempt) {
    Send(attempt, absl::StrCat("host-", attempt, ".corp.example"));
  }
  ASSERT_TRUE(RunUntilResults(3));
  EXPECT_THAT(answers_, UnorderedElementsAre(1, 2, 3));
  EXPECT_EQ(server_.tcp_connections(), 1);
  EXPECT_EQ(server_.queries_over(Transport::kUdp), 3);
  EXPECT_EQ(server_.queries_over(Transport::kTcp), 3);
  EXPECT_EQ(connection_->in_flight(), 0);
}

TEST_F(ClassicConnectionTest, TruncatedWithoutTcpFailsOnlyThatAttempt) {
  server_.set_handler([](const ClassicQuery& query) {
    return query.wire[kHeaderSize + 1] == 'x' ? Messages{Truncated(query)} : Answer(query);
  });
  server_.StopTcp();
  Connect();
  Send(1, "xxx.corp.example");
  ASSERT_TRUE(RunUntilResults(1));
  EXPECT_EQ(failures_[1], UpstreamFailure::kConnectionLost);  // It was sent, and counts as a try.
  Send(2);
  ASSERT_TRUE(RunUntilResults(2));
  EXPECT_THAT(answers_, ElementsAre(2));
  EXPECT_FALSE(closed_);
}

TEST_F(ClassicConnectionTest, MalformedAndErrorResponsesEndOnlyTheirAttempt) {
  server_.set_handler([](const ClassicQuery& query) {
    WireMessage answer = AnswerTo(query.wire);
    answer.push_back(0);
    return Messages{answer};
  });
  Connect();
  Send(1);
  ASSERT_TRUE(RunUntilResults(1));
  EXPECT_EQ(failures_[1], UpstreamFailure::kMalformed);
  EXPECT_FALSE(closed_);
}

TEST_F(ClassicConnectionTest, AClosedPortEndsItAtOnceWithAllQueries) {
  Connect();
  server_.Stop();
  Send(1);
  Send(2);
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_EQ(failure_, UpstreamFailure::kConnectRefused);
  EXPECT_EQ(ready_, 1);
  EXPECT_THAT(lost_, UnorderedElementsAre(1, 2));
  EXPECT_THAT(failures_, IsEmpty());
}

TEST_F(ClassicConnectionTest, AfterAnIcmpErrorTheQueryIsSentAgainFromAnotherPort) {
  Connect();
  server_.Stop();
  Send(1);  // The kernel reports the closed port at once.
  server_.Restart();
  Send(2);
  ASSERT_TRUE(RunUntilResults(2));
  EXPECT_THAT(answers_, UnorderedElementsAre(1, 2));
  EXPECT_FALSE(closed_);
}

TEST_F(ClassicConnectionTest, IcmpErrorsEndTheirQueriesAndTheThirdInARowEndsAll) {
  Connect();
  Send(1);
  ASSERT_TRUE(RunUntilResults(1));
  server_.set_handler(Silence);
  Send(2);
  ASSERT_TRUE(RunUntilQueries(2));
  server_.Stop();
  Send(3);
  ASSERT_TRUE(RunUntilResults(2));
  Send(4);
  ASSERT_TRUE(RunUntilResults(3));
  EXPECT_THAT(answers_, ElementsAre(1));
  EXPECT_THAT(failures_, ElementsAre(std::pair(AttemptId{3}, UpstreamFailure::kConnectionLost),
                                     std::pair(AttemptId{4}, UpstreamFailure::kConnectionLost)));
  EXPECT_FALSE(closed_);
  Send(5);
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_EQ(failure_, UpstreamFailure::kConnectRefused);
  EXPECT_THAT(lost_, UnorderedElementsAre(2, 5));
}

TEST_F(ClassicConnectionTest, AMessageOfTheServerEndsTheRowOfIcmpErrors) {
  Connect();
  for (AttemptId attempt = 1; attempt <= 12; attempt += 3) {
    Send(attempt);
    ASSERT_TRUE(RunUntilResults(attempt));
    server_.Stop();
    Send(attempt + 1);
    ASSERT_TRUE(RunUntilResults(attempt + 1));
    Send(attempt + 2);
    ASSERT_TRUE(RunUntilResults(attempt + 2));
    server_.Restart();
  }
  EXPECT_THAT(answers_, ElementsAre(1, 4, 7, 10));
  EXPECT_FALSE(closed_);
}

TEST_F(ClassicConnectionTest, AnIcmpErrorForAForgottenQueryIsIgnored) {
  Connect();
  server_.Stop();
  Send(1);
  connection_->Forget(tickets_.at(1));
  server_.Restart();
  Send(2);
  ASSERT_TRUE(RunUntilResults(1));
  EXPECT_THAT(answers_, ElementsAre(2));
  EXPECT_EQ(server_.queries().size(), 1u);
}

TEST_F(ClassicConnectionTest, WithoutAWayToTheServerItIsNeverReady) {
  Connect();
  options_.endpoint = *Endpoint::Parse("[ff02::1]:53");
  EXPECT_FALSE(closed_);
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_EQ(failure_, UpstreamFailure::kUnreachable);
  EXPECT_EQ(ready_, 0);
}

TEST_F(ClassicConnectionTest, AQueryThatFindsNoWayIsLostInALaterTurn) {
  Connect();
  ASSERT_TRUE(RunUntil([this] { return ready_ == 1; }));
  options_.endpoint = *Endpoint::Parse("[ff02::1]:53");
  Send(1);
  EXPECT_FALSE(closed_);
  ASSERT_TRUE(RunUntilClosed());
  EXPECT_EQ(failure_, UpstreamFailure::kUnreachable);
  EXPECT_THAT(lost_, ElementsAre(1));
}

TEST_F(ClassicConnectionTest, ALateAnswerIsASignOfLife) {
  server_.set_handler(Silence);
  Connect();
  Send(1);
  ASSERT_TRUE(RunUntilQueries(1));
  connection_->Forget(tickets_.at(1));
  EXPECT_EQ(connection_->in_flight(), 0);
  server_.SendLate(server_.queries()[0], AnswerTo(server_.queries()[0].wire));
  ASSERT_TRUE(RunUntil([this] { return late_results_ == 1; }));
  EXPECT_THAT(answers_, IsEmpty());
}

TEST_F(ClassicConnectionTest, ForgottenAndOverdueQueriesTakeNoPlace) {
  limits_.tuning.max_sockets_per_connection = 2;
  server_.set_handler(Silence);
  Connect();
  Send(1);
  Send(2);
  EXPECT_FALSE(connection_->HasRoom());
  connection_->Forget(tickets_.at(1));
  connection_->NoteOverdue(tickets_.at(2));
  EXPECT_EQ(connection_->in_flight(), 1);
  ASSERT_TRUE(connection_->HasRoom());
  Send(3);  // In the place of the forgotten one.
  ASSERT_TRUE(connection_->HasRoom());
  Send(4);  // In the place of the one that is overdue.
  EXPECT_FALSE(connection_->HasRoom());
  ASSERT_TRUE(RunUntilResults(1));  // In a later turn.
  EXPECT_EQ(failures_.at(2), UpstreamFailure::kTimeout);
  EXPECT_EQ(connection_->in_flight(), 2);
}

TEST_F(ClassicConnectionTest, TheClientWithMostOverdueQueriesMakesRoom) {
  limits_.tuning.max_sockets_per_connection = 4;
  server_.set_handler(Silence);
  Connect();
  Send(1, "few.corp.example", /*client=*/2);
  for (AttemptId attempt = 2; attempt <= 4; ++attempt) {
    Send(attempt, absl::StrCat(attempt, ".corp.example"), /*client=*/1);
  }
  ASSERT_TRUE(RunUntilQueries(4));
  EXPECT_EQ(connection_->places(1).of_client, 3);
  EXPECT_EQ(connection_->places(2).all, 4);
  for (AttemptId attempt = 1; attempt <= 4; ++attempt) {
    connection_->NoteOverdue(tickets_.at(attempt));
  }
  EXPECT_EQ(connection_->places(1).all, 0);
  EXPECT_EQ(connection_->places(1).of_client, 0);
  Send(5, "new.corp.example", /*client=*/3);
  ASSERT_TRUE(RunUntilResults(1));
  EXPECT_THAT(failures_, ElementsAre(std::pair(AttemptId{2}, UpstreamFailure::kTimeout)));
  EXPECT_EQ(connection_->places(3).of_client, 1);
}

TEST_F(ClassicConnectionTest, AQuestionForASignOfLifeMakesNoRoom) {
  limits_.tuning.max_sockets_per_connection = 1;
  server_.set_handler(Silence);
  Connect();
  connection_->AskForSignOfLife(Question{DomainName(), QType::kNs});
  ASSERT_TRUE(RunUntilQueries(1));
  Send(1);
  connection_->NoteOverdue(tickets_.at(1));
  Send(2, "second.corp.example");
  ASSERT_TRUE(RunUntilQueries(3));
  server_.SendLate(server_.queries()[0], AnswerTo(server_.queries()[0].wire));
  EXPECT_TRUE(RunUntil([this] { return signs_of_life_ == 1; }));
}

TEST_F(ClassicConnectionTest, ALateResponseThatComesTwiceIsOneLateResponse) {
  server_.set_handler([](const ClassicQuery& query) {
    return Messages{AnswerTo(query.wire), AnswerTo(query.wire)};
  });
  Connect();
  Send(1);
  connection_->Forget(tickets_.at(1));
  ASSERT_TRUE(RunUntil([this] { return late_results_ > 0; }));
  Send(2);
  ASSERT_TRUE(RunUntilResults(1));
  EXPECT_EQ(late_results_, 1);
}

TEST_F(ClassicConnectionTest, AFullConnectionStillRequestsASignOfLife) {
  limits_.tuning.max_sockets_per_connection = 1;
  server_.set_handler([](const ClassicQuery& query) {
    const bool is_root = query.wire[kHeaderSize] == 0;
    return is_root ? Answer(query) : Messages();
  });
  Connect();
  Send(1);
  ASSERT_FALSE(connection_->HasRoom());
  connection_->AskForSignOfLife(Question{DomainName(), QType::kNs});
  EXPECT_TRUE(RunUntil([this] { return signs_of_life_ == 1; }));
}

TEST_F(ClassicConnectionTest, AForgottenQueryOverTcpIsForgottenThereToo) {
  server_.set_handler([](const ClassicQuery& query) {
    return query.transport == Transport::kUdp ? Messages{Truncated(query)} : Messages();
  });
  Connect();
  Send(1);
  ASSERT_TRUE(RunUntil([this] { return server_.queries_over(Transport::kTcp) == 1; }));
  connection_->Forget(tickets_.at(1));
  EXPECT_EQ(connection_->in_flight(), 0);
  server_.set_handler(TruncateUdp);
  Send(2);
  ASSERT_TRUE(RunUntilResults(1));
  EXPECT_THAT(answers_, ElementsAre(2));
}

TEST_F(ClassicConnectionTest, TcpAlwaysIfTheServerIsConfiguredSo) {
  options_.transport = Transport::kTcp;
  Connect();
  Send(1);
  ASSERT_TRUE(RunUntilResults(1));
  EXPECT_THAT(answers_, ElementsAre(1));
  EXPECT_EQ(server_.queries_over(Transport::kUdp), 0);
  const WireMessage& query = server_.queries()[0].wire;
  EXPECT_EQ(query.size(), kHeaderSize + 18 + 4 + 11 + 4);  // Keepalive, no padding.
}

TEST_F(ClassicConnectionTest, QueriesComeFromTheSourceThatIsConfiguredOverUdpAndTcp) {
  limits_.outgoing.source_v4 = *Endpoint::ParseAddress("127.0.0.2", 0);
  server_.set_handler(TruncateUdp);
  Connect();
  Send(1);
  ASSERT_TRUE(RunUntilResults(1));
  ASSERT_EQ(server_.queries().size(), 2u);
  for (const ClassicQuery& query : server_.queries()) {
    EXPECT_EQ(query.from.AddressToString(), "127.0.0.2");
  }
}

}  // namespace
}  // namespace dotcache
