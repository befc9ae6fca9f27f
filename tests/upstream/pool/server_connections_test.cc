// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/server_connections.h"

#include <utility>

#include "gtest/gtest.h"
#include "tests/support/fake_connection.h"

namespace dotcache {
namespace {

constexpr int kLimit = 2;

class ServerConnectionsTest : public testing::Test {
 protected:
  FakeConnection& Add(bool ready = true, bool alone = false) {
    auto connection = std::make_unique<FakeConnection>();
    FakeConnection& added = *connection;
    if (ready) added.BecomeReady();
    connections_.Add(std::move(connection), alone);
    return added;
  }
  const Connection* Picked() {
    const ServerConnection* picked = connections_.Pick();
    return picked == nullptr ? nullptr : picked->connection.get();
  }

  ServerConnections connections_{kLimit};
  const MonoTime now_{Seconds(100)};
};

TEST_F(ServerConnectionsTest, AReadyOneIsPickedBeforeOneThatConnects) {
  EXPECT_EQ(Picked(), nullptr);
  FakeConnection& connecting = Add(/*ready=*/false);
  EXPECT_EQ(Picked(), &connecting);
  FakeConnection& ready = Add();
  EXPECT_EQ(Picked(), &ready);
  ready.queries = ServerConnections::kCrowded;
  FakeConnection& second = Add();
  EXPECT_EQ(Picked(), &second);
  second.queries = ServerConnections::kCrowded + 1;
  EXPECT_EQ(Picked(), &ready);  // The fewest queries.
}

TEST_F(ServerConnectionsTest, FullSilentAndAloneOnesAreNotPicked) {
  Add().has_room = false;
  FakeConnection& silent = Add();
  silent.GoSilent(now_);
  Add(true, /*alone=*/true);
  EXPECT_EQ(Picked(), nullptr);
  EXPECT_TRUE(connections_.CanTake());
  EXPECT_EQ(connections_.PickSilent()->connection.get(), &silent);
  silent.NoteReceived(now_ + Seconds(1));
  EXPECT_EQ(Picked(), &silent);
  EXPECT_TRUE(connections_.HasHeardSince(now_));
  EXPECT_FALSE(connections_.HasHeardSince(now_ + Seconds(1)));
}

TEST_F(ServerConnectionsTest, OnlySharedOnesThatDoNotDrainTakeRoom) {
  for (int i = 0; i < kLimit; ++i) Add(true, /*alone=*/true);
  EXPECT_TRUE(connections_.HasRoom());
  Add();
  FakeConnection& last = Add();
  EXPECT_FALSE(connections_.HasRoom());
  last.Drain();
  EXPECT_TRUE(connections_.HasRoom());
}

TEST_F(ServerConnectionsTest, ASilentOneMakesWayAndWhereAllAreSilentThereIsASpare) {
  FakeConnection& first = Add();
  FakeConnection& second = Add();
  first.queries = 1;
  first.GoSilent(now_);
  EXPECT_EQ(connections_.FindSilent(now_ - Milliseconds(1)), nullptr);
  EXPECT_EQ(connections_.FindSilent(now_), &first);
  EXPECT_FALSE(connections_.HasSpare());
  second.GoSilent(now_);
  EXPECT_TRUE(connections_.HasSpare());
  EXPECT_EQ(connections_.FindSilent(MonoTime()), &second);  // No attempt waits for it.
}

TEST_F(ServerConnectionsTest, TheOldestIsEndedWhereTooManyDrain) {
  FakeConnection& oldest = Add();
  FakeConnection& newest = Add();
  oldest.Drain();
  connections_.LimitDraining();
  EXPECT_FALSE(oldest.ends);
  newest.Drain();
  connections_.LimitDraining();
  EXPECT_TRUE(oldest.ends);
  EXPECT_FALSE(newest.ends);
}

TEST_F(ServerConnectionsTest, EachHasANumberThatIsNotUsedAgain) {
  FakeConnection& first = Add();
  const uint32_t number = connections_.Find(first)->number;
  EXPECT_NE(number, 0u);
  const std::unique_ptr<Connection> taken = connections_.TakeOut(first);
  EXPECT_EQ(connections_.TakeOut(first), nullptr);
  EXPECT_EQ(connections_.Find(number), nullptr);
  EXPECT_NE(connections_.Find(Add())->number, number);
}

TEST_F(ServerConnectionsTest, TheyAreCounted) {
  Add(/*ready=*/false).queries = 2;
  FakeConnection& ready = Add();
  ready.queries = 3;
  Add(true, /*alone=*/true);
  EXPECT_EQ(connections_.ready(), 2u);
  EXPECT_EQ(connections_.alone(), 1u);
  EXPECT_EQ(connections_.in_flight(), 5);
  EXPECT_TRUE(connections_.HasConnecting());
  EXPECT_TRUE(connections_.HasTalking());
  EXPECT_FALSE(connections_.HasTrial());
  connections_.Find(ready)->trial = true;
  EXPECT_TRUE(connections_.HasTrial());
}

TEST_F(ServerConnectionsTest, AClientHasThreeTimesAsManyPlacesAsAreFreeAtMost) {
  EXPECT_TRUE(connections_.HasShare(7, 100));
  FakeConnection& first = Add();
  FakeConnection& second = Add();
  first.queries = first.mine = 70;
  second.queries = second.mine = 4;
  EXPECT_TRUE(connections_.HasShare(7, 100));
  second.queries = second.mine = 5;
  EXPECT_FALSE(connections_.HasShare(7, 100));
  EXPECT_TRUE(connections_.HasShare(8, 100));
  first.mine = 20;
  first.queries = 86;  // With five of the second, nine are free.
  EXPECT_TRUE(connections_.HasShare(7, 100));
  first.queries = 87;
  EXPECT_FALSE(connections_.HasShare(7, 100));
  EXPECT_TRUE(connections_.HasShare(0, 100));
  first.queries = 200;
  EXPECT_TRUE(connections_.HasShare(8, 100));
}

TEST_F(ServerConnectionsTest, PlacesOnEachAreThoseThatTheServerAllows) {
  EXPECT_EQ(connections_.PlacesOnEach(100), 100);
  Add().most = 3;
  EXPECT_EQ(connections_.PlacesOnEach(100), 3);
}

}  // namespace
}  // namespace dotcache
