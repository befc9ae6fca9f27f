// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/upstream_links.h"

#include <memory>

#include "gtest/gtest.h"

namespace dotcache {
namespace {

class FakeConnection : public Connection {
 public:
  void Send(const UpstreamQuery&, AttemptId) override {}
  void Forget(AttemptId) override {}
  bool ready() const override { return is_ready; }
  bool HasRoom() const override { return has_room && !is_draining; }
  int in_flight() const override { return queries; }
  bool draining() const override { return is_draining; }
  void CloseSoon() override { given_up = true; }
  MonoTime last_received() const override { return received; }

  bool is_ready = true;
  int queries = 0;
  MonoTime received;
  bool has_room = true;
  bool is_draining = false;
  bool given_up = false;
};

class UpstreamLinksTest : public testing::Test {
 protected:
  FakeConnection& Add(bool alone = false) {
    auto connection = std::make_unique<FakeConnection>();
    FakeConnection& added = *connection;
    links_.Add(std::move(connection), alone);
    return added;
  }

  UpstreamLinks links_{2};
};

TEST_F(UpstreamLinksTest, AReadyOneIsPickedBeforeOneThatIsBeingOpened) {
  EXPECT_EQ(links_.Pick(false), nullptr);
  FakeConnection& connecting = Add();
  connecting.is_ready = false;
  EXPECT_EQ(links_.Pick(false), &connecting);
  FakeConnection& ready = Add();
  EXPECT_EQ(links_.Pick(false), &ready);
  EXPECT_EQ(links_.Pick(true), &connecting);
  EXPECT_TRUE(links_.HasConnecting());
  EXPECT_EQ(links_.ready(), 1u);
}

TEST_F(UpstreamLinksTest, WhatIsFullSilentOrAloneIsNotPicked) {
  Add().has_room = false;
  Add(/*alone=*/true);
  FakeConnection& silent = Add();
  links_.Of(silent).silent_since = MonoTime(Seconds(1));
  EXPECT_EQ(links_.Pick(false), nullptr);
  EXPECT_TRUE(links_.IsSilent(silent));
  EXPECT_EQ(links_.FindSilent(MonoTime(Seconds(1))), &silent);
  EXPECT_EQ(links_.FindSilent(MonoTime(Milliseconds(999))), &silent);
  silent.queries = 1;  // Somebody waits for an answer.
  EXPECT_EQ(links_.FindSilent(MonoTime(Seconds(1))), &silent);
  EXPECT_EQ(links_.FindSilent(MonoTime(Milliseconds(999))), nullptr);
}

TEST_F(UpstreamLinksTest, OnlySharedOnesTakeRoom) {
  Add(/*alone=*/true);
  Add().is_draining = true;
  Add();
  EXPECT_TRUE(links_.HasRoom());
  EXPECT_EQ(links_.alone(), 1u);
  Add();
  EXPECT_FALSE(links_.HasRoom());
  EXPECT_EQ(links_.FindSilent(MonoTime::max()), nullptr);
}

TEST_F(UpstreamLinksTest, TheOldestIsGivenUpWhereTooManyDrain) {
  FakeConnection& first = Add();
  FakeConnection& second = Add();
  first.is_draining = true;
  links_.LimitDraining();
  EXPECT_FALSE(first.given_up);
  second.is_draining = true;
  links_.LimitDraining();
  EXPECT_TRUE(first.given_up);
  EXPECT_FALSE(second.given_up);
}

TEST_F(UpstreamLinksTest, WhatWasTakenOutIsGone) {
  FakeConnection& connection = Add();
  const std::unique_ptr<Connection> taken = links_.TakeOut(connection);
  EXPECT_EQ(taken.get(), &connection);
  EXPECT_EQ(links_.Find(connection), nullptr);
  EXPECT_EQ(links_.TakeOut(connection), nullptr);
}

TEST_F(UpstreamLinksTest, WhenTheNetworkChangesOnlyThoseWithQueriesStayAndAreSilentUntilTheySpeak) {
  FakeConnection& idle = Add();
  FakeConnection& busy = Add();
  busy.queries = 1;
  FakeConnection& connecting = Add(/*alone=*/true);
  connecting.queries = 1;
  connecting.is_ready = false;
  const auto taken = links_.OnNetworkChange(MonoTime(Seconds(1)));
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(taken[0].get(), &idle);
  EXPECT_EQ(taken[1].get(), &connecting);
  EXPECT_EQ(links_.all().size(), 1u);
  EXPECT_TRUE(links_.IsSilent(busy));
  EXPECT_TRUE(links_.Of(busy).silence_noted);
  EXPECT_EQ(links_.Pick(false), nullptr);
  busy.received = MonoTime(Seconds(2));
  EXPECT_EQ(links_.Pick(false), &busy);
}

}  // namespace
}  // namespace dotcache
