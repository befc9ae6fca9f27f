// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/stall_watch.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/simulated_loop.h"

namespace dotcache {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class QuietConnection : public Connection {
 public:
  void Send(const UpstreamQuery&, AttemptId) override {}
  void Forget(AttemptId) override {}
  bool ready() const override { return true; }
  bool HasRoom() const override { return true; }
  int in_flight() const override { return 1; }
  MonoTime last_received() const override { return {}; }
  void AskForSignOfLife() override { ++asked_for_life; }

  int asked_for_life = 0;
};

class StallWatchTest : public testing::Test {
 protected:
  StallWatchTest() {
    for (int i = 0; i < 2; ++i) links_.Add(std::make_unique<QuietConnection>(), false);
    health_.OnResponse(Milliseconds(20), /*usable=*/true, loop_.Now());
  }

  UpstreamLink& link(size_t index) { return links_.all()[index]; }
  int AskedForLife(size_t index) {
    return static_cast<QuietConnection&>(*link(index).connection).asked_for_life;
  }

  SimulatedLoop loop_;
  UpstreamLimits limits_;
  UpstreamHealth health_;
  UpstreamLinks links_{4};
  std::vector<const Connection*> stalled_;
  std::vector<Duration> silences_;
  StallWatch watch_{loop_, limits_, health_, links_, [this](const auto& stalls) {
                      for (const StallWatch::Stall& stall : stalls) {
                        stalled_.push_back(stall.connection);
                        silences_.push_back(stall.silence);
                      }
                    }};
};

TEST_F(StallWatchTest, TwoQueriesWithoutAWordForFourResponseTimesAreAStall) {
  watch_.NoteSent(link(0));
  loop_.Advance(Milliseconds(30));
  watch_.NoteSent(link(0));
  loop_.Advance(Milliseconds(79));
  EXPECT_THAT(stalled_, IsEmpty());
  loop_.Advance(Milliseconds(1));
  EXPECT_THAT(stalled_, ElementsAre(link(0).connection.get()));
  EXPECT_THAT(silences_, ElementsAre(Milliseconds(80)));
  EXPECT_TRUE(link(0).silent());
}

TEST_F(StallWatchTest, HalfwayTheConnectionIsAskedOnceForASignOfLife) {
  watch_.NoteSent(link(0));
  watch_.NoteSent(link(0));
  loop_.Advance(Milliseconds(39));
  EXPECT_EQ(AskedForLife(0), 0);
  loop_.Advance(Milliseconds(1));
  EXPECT_EQ(AskedForLife(0), 1);
  loop_.Advance(Milliseconds(200));
  EXPECT_EQ(AskedForLife(0), 1);
  EXPECT_EQ(AskedForLife(1), 0);
}

TEST_F(StallWatchTest, ASignOfLifeEndsTheSuspicionAndTheNextOneIsLookedIntoAgain) {
  for (int round = 1; round <= 5; ++round) {
    watch_.NoteSent(link(0));  // Of names that nobody answers.
    watch_.NoteSent(link(0));
    loop_.Advance(Milliseconds(45));
    EXPECT_EQ(AskedForLife(0), round);
    StallWatch::NoteWord(link(0));
    loop_.Advance(Milliseconds(45));
  }
  EXPECT_THAT(stalled_, IsEmpty());
}

TEST_F(StallWatchTest, LaterQueriesDoNotMoveTheTime) {
  for (int i = 0; i < 8; ++i) {
    watch_.NoteSent(link(0));
    loop_.Advance(Milliseconds(12));
  }
  EXPECT_THAT(stalled_, ElementsAre(link(0).connection.get()));
}

TEST_F(StallWatchTest, OneQueryIsNoStallButForAServerOnProbation) {
  watch_.NoteSent(link(0));
  loop_.Advance(Seconds(10));
  EXPECT_THAT(stalled_, IsEmpty());
  health_.OnStall();
  watch_.NoteSent(link(1));
  loop_.Advance(Milliseconds(80));
  EXPECT_THAT(stalled_, ElementsAre(link(1).connection.get()));
}

TEST_F(StallWatchTest, AWordBeginsTheCountAnew) {
  watch_.NoteSent(link(0));
  watch_.NoteSent(link(0));
  loop_.Advance(Milliseconds(79));
  StallWatch::NoteWord(link(0));
  watch_.NoteSent(link(0));
  loop_.Advance(Seconds(10));
  EXPECT_THAT(stalled_, IsEmpty());
}

TEST_F(StallWatchTest, EachConnectionHasItsOwnTime) {
  for (int i = 0; i < 2; ++i) watch_.NoteSent(link(0));
  loop_.Advance(Milliseconds(50));
  for (int i = 0; i < 2; ++i) watch_.NoteSent(link(1));
  loop_.Advance(Milliseconds(30));
  EXPECT_THAT(stalled_, ElementsAre(link(0).connection.get()));
  loop_.Advance(Milliseconds(50));
  EXPECT_THAT(stalled_, ElementsAre(link(0).connection.get(), link(1).connection.get()));
}

// The timer was armed while nothing was known of the server, for 200 ms; then the time became 80
// ms.
TEST_F(StallWatchTest, WhoIsAskedLateForASignOfLifeHasTimeToGiveOne) {
  health_ = UpstreamHealth();
  watch_.NoteSent(link(0));
  watch_.NoteSent(link(0));
  loop_.Advance(Milliseconds(190));
  health_.OnResponse(Milliseconds(20), /*usable=*/true, loop_.Now());
  loop_.Advance(Milliseconds(10));
  EXPECT_EQ(AskedForLife(0), 1);
  EXPECT_THAT(stalled_, IsEmpty());
  loop_.Advance(Milliseconds(39));
  EXPECT_THAT(stalled_, IsEmpty());
  loop_.Advance(Milliseconds(1));
  EXPECT_THAT(stalled_, ElementsAre(link(0).connection.get()));
}

TEST_F(StallWatchTest, AShorterTimeIsNotHeldUpByALongerOne) {
  health_ = UpstreamHealth();
  for (int i = 0; i < 2; ++i) watch_.NoteSent(link(0));
  health_.OnResponse(Milliseconds(20), /*usable=*/true, loop_.Now());
  for (int i = 0; i < 2; ++i) watch_.NoteSent(link(1));
  loop_.Advance(Milliseconds(80));
  EXPECT_EQ(stalled_.size(), 2u);
}

}  // namespace
}  // namespace dotcache
