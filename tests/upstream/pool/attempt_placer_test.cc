// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/attempt_placer.h"

#include <map>
#include <memory>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/fake_connection.h"
#include "tests/support/idle_server_delegate.h"
#include "tests/support/simulated_loop.h"

namespace dotcache {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

class AttemptPlacerTest : public testing::Test,
                          protected AttemptPlacer::Server,
                          protected IdleServerDelegate {
 protected:
  AttemptPlacerTest() {
    options_.endpoint = *Endpoint::Parse("192.0.2.53:853");
    limits_.tuning.max_connections_per_server = 4;
    loop_.Advance(Seconds(100));
  }
  void Make() {
    placer_ = std::make_unique<AttemptPlacer>(AttemptPlacer::Context{
        loop_, options_, limits_, health_, pacing_, connections_, *this, *this});
  }

  // Returns the number of the connection; 0 if the attempt waits.
  uint32_t Place(AttemptId attempt, AttemptPlacer::Mode mode = {}, uint64_t client = 0) {
    UpstreamQuery query;
    query.client = client;
    const auto sent = placer_->Place(query, attempt, mode);
    if (const auto* place = std::get_if<AttemptPlace>(&sent)) return place->connection;
    refusals_[attempt] = std::get<UpstreamFailure>(sent);
    return 0;
  }
  FakeConnection& Fake(uint32_t number) {
    return static_cast<FakeConnection&>(*connections_.Find(number)->connection);
  }
  void AnswerOne(uint32_t number) {
    --Fake(number).queries;
    placer_->GiveTurns();
  }

  // The first connection, for an attempt that waits.
  void ExpectToMakeWayWhenOverdue() {
    EXPECT_EQ(Place(2), 0u);
    placer_->OnNextTurn();
    EXPECT_FALSE(Fake(1).ends);
    Fake(1).overdue = 1;
    placer_->OnNextTurn();
    EXPECT_TRUE(Fake(1).ends);
  }

  bool MaySend() const override { return true; }
  std::unique_ptr<Connection> Connect() override {
    auto connection = std::make_unique<FakeConnection>();
    connection->BecomeReady();
    connection->most = most_;
    return connection;
  }
  AttemptPlace SendOn(ServerConnection& connection, const UpstreamQuery& query,
                      AttemptId attempt) override {
    connection.connection->Send(query, attempt);
    return {.connection = connection.number};
  }
  void WakeInNextTurn() override { ++wakes_; }
  void OnAttemptPlaced(AttemptId attempt, const AttemptPlace& place) override {
    placed_[attempt] = place.connection;
  }

  SimulatedLoop loop_;
  UpstreamServerOptions options_;
  UpstreamLimits limits_;
  UpstreamHealth health_;
  ConnectPacing pacing_;
  ServerConnections connections_{4};
  std::unique_ptr<AttemptPlacer> placer_;
  int most_ = INT_MAX;  // Queries that the server allows on a connection.
  int wakes_ = 0;
  std::map<AttemptId, uint32_t> placed_;  // After they waited.
  std::map<AttemptId, UpstreamFailure> refusals_;
};

TEST_F(AttemptPlacerTest, AttemptsShareTheFirstConnectionWithRoom) {
  Make();
  EXPECT_EQ(Place(1), 1u);
  EXPECT_EQ(Place(2), 1u);
  Fake(1).has_room = false;
  EXPECT_EQ(Place(3), 2u);
  EXPECT_EQ(Place(4, {.apart_from = 2}), 3u);
}

TEST_F(AttemptPlacerTest, OneThatWaitsToGoAloneDoesNotKeepBackTheOthers) {
  most_ = 1;
  Make();
  for (AttemptId attempt = 1; attempt <= 4; ++attempt) EXPECT_EQ(Place(attempt), attempt);
  for (AttemptId attempt = 5; attempt <= 8; ++attempt) {
    EXPECT_EQ(Place(attempt, {.alone = true}), attempt);
  }
  EXPECT_EQ(Place(9, {.alone = true}), 0u);
  EXPECT_EQ(Place(10), 0u);
  EXPECT_EQ(placer_->waiting(), 2u);
  AnswerOne(3);
  EXPECT_THAT(placed_, testing::ElementsAre(std::pair(10, 3)));
  EXPECT_EQ(placer_->waiting(), 1u);
}

TEST_F(AttemptPlacerTest, NoConnectionIsOpenedSoonAfterAFailedOne) {
  most_ = 1;
  Make();
  for (AttemptId attempt = 1; attempt <= 4; ++attempt) Place(attempt);
  EXPECT_EQ(Place(5), 0u);
  pacing_.NoteFailed(loop_.Now());
  placer_->GiveTurns();
  EXPECT_THAT(placed_, IsEmpty());
  loop_.Advance(ConnectPacing::kInterval);
  placer_->GiveTurns();
  EXPECT_THAT(placed_, SizeIs(1));
}

// Eight: four connections are shared, and four are not.
TEST_F(AttemptPlacerTest, TheShareOfAClientIsThatOfThePlacesThatTheServerAllows) {
  most_ = 1;
  Make();
  for (AttemptId attempt = 1; attempt <= 8; ++attempt) {
    Place(attempt, {}, FakeConnection::kClient);
    placer_->OnNextTurn();
  }
  EXPECT_EQ(connections_.in_flight(), 6);
  EXPECT_EQ(placer_->waiting(), 2u);
  Place(9, {}, 8);  // Behind them.
  placer_->OnNextTurn();
  EXPECT_EQ(placed_.count(9), 1u);
  EXPECT_EQ(placed_.count(7), 0u);
  Fake(1).queries = Fake(1).mine = 0;
  wakes_ = 0;
  placer_->NotePlaceFreed();
  EXPECT_EQ(wakes_, 1);
  placer_->OnNextTurn();
  EXPECT_EQ(placed_.at(7), 1u);
  EXPECT_EQ(placer_->waiting(), 1u);
}

TEST_F(AttemptPlacerTest, OneClientLeavesPlacesInTheQueue) {
  most_ = 1;
  Make();
  AttemptId attempt = 1;
  while (refusals_.empty()) Place(attempt++, {}, FakeConnection::kClient);
  EXPECT_EQ(refusals_.begin()->second, UpstreamFailure::kOverloaded);
  EXPECT_EQ(placer_->waiting(), AttemptQueue::kLimit * 3 / 4);
  refusals_.clear();
  EXPECT_EQ(Place(attempt++, {}, 8), 0u);
  EXPECT_THAT(refusals_, IsEmpty());
}

TEST_F(AttemptPlacerTest, AtTheLimitOfTheServerOneThatGoesAloneShares) {
  options_.max_connections = 1;
  Make();
  EXPECT_EQ(Place(1), 1u);
  EXPECT_EQ(Place(2, {.alone = true}), 1u);
}

TEST_F(AttemptPlacerTest, AConnectionCountsUntilItIsClosed) {
  options_.max_connections = 1;
  Make();
  EXPECT_EQ(Place(1), 1u);
  const std::unique_ptr<Connection> closing =
      connections_.TakeOut(*connections_.Find(1)->connection);
  placer_->NoteEnding();
  EXPECT_EQ(wakes_, 1);
  EXPECT_EQ(Place(2), 0u);
  EXPECT_EQ(placer_->waiting(), 1u);
  placer_->OnNextTurn();
  EXPECT_THAT(placed_, testing::ElementsAre(std::pair(2, 2)));
}

TEST_F(AttemptPlacerTest, AtTheLimitOfTheServerThoseThatWaitedShareTheNextConnection) {
  options_.max_connections = 1;
  Make();
  Place(1);
  const std::unique_ptr<Connection> closing =
      connections_.TakeOut(*connections_.Find(1)->connection);
  placer_->NoteEnding();
  for (AttemptId attempt = 2; attempt <= 4; ++attempt) EXPECT_EQ(Place(attempt), 0u);
  placer_->OnNextTurn();
  EXPECT_EQ(placer_->waiting(), 0u);
  EXPECT_EQ(Fake(2).queries, 3);
  EXPECT_EQ(Place(5), 2u);
}

TEST_F(AttemptPlacerTest, AtTheLimitOfTheServerAnOverdueQueryThatGoesAloneMakesWay) {
  options_.max_connections = 1;
  Make();
  EXPECT_EQ(Place(1, {.alone = true}), 1u);
  ExpectToMakeWayWhenOverdue();
}

TEST_F(AttemptPlacerTest, AtTheLimitOfTheServerAUsedUpConnectionWithOverdueQueriesMakesWay) {
  options_.max_connections = 1;
  Make();
  EXPECT_EQ(Place(1), 1u);
  Fake(1).has_room = false;
  ExpectToMakeWayWhenOverdue();
}

TEST_F(AttemptPlacerTest, TheShareOfAClientIsThatOfTheConnectionsThatTheServerAllows) {
  options_.max_connections = 1;
  limits_.tuning.max_in_flight_per_connection = 8;
  Make();
  for (AttemptId attempt = 1; attempt <= 6; ++attempt) {
    EXPECT_EQ(Place(attempt, {}, FakeConnection::kClient), 1u);
  }
  EXPECT_EQ(Place(7, {}, FakeConnection::kClient), 0u);
  EXPECT_FALSE(placer_->HasWaiting());  // It is held back.
  EXPECT_EQ(Place(8, {}, 8), 1u);
}

TEST_F(AttemptPlacerTest, AtTheLimitOfTheServerOneGoesApartFromTheConnectionOfItsLateAttempt) {
  options_.max_connections = 2;
  Make();
  EXPECT_EQ(Place(1), 1u);
  EXPECT_EQ(Place(2, {.apart_from = 1}), 2u);
  EXPECT_EQ(Place(3, {.apart_from = 1}), 2u);
}

TEST_F(AttemptPlacerTest, AConnectionThatIsFreeAgainIsGivenOnOrShared) {
  most_ = 1;
  Make();
  EXPECT_EQ(Place(1, {.alone = true}), 1u);
  Fake(1).queries = 0;
  EXPECT_TRUE(placer_->Reuse(*connections_.Find(1), Milliseconds(10)));
  EXPECT_FALSE(connections_.Find(1)->alone);
  for (AttemptId attempt = 2; attempt <= 5; ++attempt) Place(attempt, {.alone = true});
  EXPECT_EQ(Place(6, {.alone = true}), 0u);
  Fake(2).queries = 0;
  EXPECT_TRUE(placer_->Reuse(*connections_.Find(2), Milliseconds(10)));
  EXPECT_THAT(placed_, testing::ElementsAre(std::pair(6, 2)));
  Fake(2).has_room = false;
  EXPECT_FALSE(placer_->Reuse(*connections_.Find(2), Milliseconds(10)));
}

TEST_F(AttemptPlacerTest, OneThatGoesAloneGetsAConnectionThatHasNotAnswered) {
  Make();
  for (AttemptId attempt = 1; attempt <= 5; ++attempt) Place(attempt, {.alone = true});
  EXPECT_EQ(placer_->waiting(), 1u);
  Fake(1).queries = 0;
  EXPECT_TRUE(placer_->Reuse(*connections_.Find(1), Milliseconds(10)));
  EXPECT_THAT(placed_, IsEmpty());
  placer_->GiveTurns();
  EXPECT_THAT(placed_, testing::ElementsAre(std::pair(5, 5)));
}

TEST_F(AttemptPlacerTest, ForgottenOnesWaitNoLonger) {
  options_.max_connections = 1;
  most_ = 1;
  Make();
  for (AttemptId attempt = 1; attempt <= 3; ++attempt) Place(attempt);
  placer_->Forget(2);
  EXPECT_THAT(placer_->TakeWaiting(), testing::ElementsAre(3));
  EXPECT_EQ(placer_->waiting(), 0u);
}

}  // namespace
}  // namespace dotcache
