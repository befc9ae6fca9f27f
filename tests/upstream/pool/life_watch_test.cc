// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/life_watch.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/fake_connection.h"
#include "tests/support/simulated_loop.h"

namespace dotcache {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class LifeWatchTest : public testing::Test {
 protected:
  // The mean response time is 20 ms, so the stall time is 80 ms.
  void Make(bool datagrams = false) {
    health_.OnResponse(Milliseconds(20), true, loop_.Now());
    watch_ = std::make_unique<LifeWatch>(
        LifeWatch::Context{loop_, limits_, health_, connections_,
                           Question{DomainName(), QType::kNs}, datagrams},
        [this](uint32_t number) { silent_.push_back(number); });
    auto connection = std::make_unique<FakeConnection>();
    connection_ = connection.get();
    connection_->BecomeReady();
    number_ = connections_.Add(std::move(connection), false).number;
  }
  void ExpectSilentAfter(Duration last) {
    EXPECT_THAT(silent_, IsEmpty());
    loop_.Advance(last);
    EXPECT_THAT(silent_, ElementsAre(number_));
  }
  ServerConnection& it() { return *connections_.Find(number_); }

  SimulatedLoop loop_;
  UpstreamLimits limits_;
  UpstreamHealth health_;
  ServerConnections connections_{4};
  std::unique_ptr<LifeWatch> watch_;
  FakeConnection* connection_ = nullptr;
  uint32_t number_ = 0;
  std::vector<uint32_t> silent_;
};

TEST_F(LifeWatchTest, TwoQueriesWithoutAMessageForTheStallTimeAreSilence) {
  Make();
  watch_->NoteSent(it());
  watch_->NoteSent(it());
  loop_.Advance(Milliseconds(39));
  EXPECT_THAT(connection_->asked, SizeIs(0));
  loop_.Advance(Milliseconds(1));
  ASSERT_THAT(connection_->asked, SizeIs(1));
  EXPECT_EQ(connection_->asked.front().qtype, QType::kNs);
  loop_.Advance(Milliseconds(39));
  ExpectSilentAfter(Milliseconds(1));
  loop_.Advance(Seconds(10));
  EXPECT_EQ(silent_.size(), 1u);
}

TEST_F(LifeWatchTest, OneQueryHasItsAttemptTimeoutFirst) {
  Make();
  watch_->NoteSent(it());
  loop_.Advance(health_.AttemptTimeout(limits_) - Milliseconds(1));
  EXPECT_THAT(connection_->asked, SizeIs(0));
  loop_.Advance(Milliseconds(1));
  EXPECT_THAT(connection_->asked, SizeIs(1));
  loop_.Advance(Milliseconds(40));
  EXPECT_THAT(silent_, ElementsAre(number_));
}

TEST_F(LifeWatchTest, LaterQueriesDoNotMoveTheTime) {
  Make();
  for (int i = 0; i < 21; ++i) {  // The second is sent after 4 ms.
    watch_->NoteSent(it());
    loop_.Advance(Milliseconds(4));
  }
  EXPECT_THAT(silent_, ElementsAre(number_));
}

TEST_F(LifeWatchTest, AMessageEndsTheSuspicionAndTheNextOneBeginsAnew) {
  Make();
  for (int round = 0; round < 3; ++round) {
    watch_->NoteSent(it());
    watch_->NoteSent(it());
    loop_.Advance(Milliseconds(79));
    LifeWatch::NoteWord(it());
  }
  loop_.Advance(Seconds(10));
  EXPECT_THAT(silent_, IsEmpty());
  EXPECT_THAT(connection_->asked, SizeIs(3));
}

TEST_F(LifeWatchTest, OverUdpASignOfLifeIsRequestedThreeTimes) {
  Make(/*datagrams=*/true);
  watch_->NoteSent(it());
  watch_->NoteSent(it());
  loop_.Advance(Milliseconds(40 + 2 * 40));
  EXPECT_THAT(connection_->asked, SizeIs(3));
  ExpectSilentAfter(Milliseconds(40));
}

TEST_F(LifeWatchTest, ATrialRequestsASignOfLifeAtOnceAndHasTheTrialTime) {
  Make();
  watch_->BeginTrial(it());
  EXPECT_THAT(connection_->asked, SizeIs(1));
  EXPECT_TRUE(it().trial);
  loop_.Advance(health_.TrialTime(limits_) - Milliseconds(1));
  ExpectSilentAfter(Milliseconds(1));
}

TEST_F(LifeWatchTest, AMessageEndsTheTrial) {
  Make();
  watch_->BeginTrial(it());
  LifeWatch::NoteWord(it());
  EXPECT_FALSE(it().trial);
  loop_.Advance(Seconds(10));
  EXPECT_THAT(silent_, IsEmpty());
}

TEST_F(LifeWatchTest, EachConnectionHasItsOwnTime) {
  Make();
  const uint32_t other = connections_.Add(std::make_unique<FakeConnection>(), false).number;
  watch_->NoteSent(it());
  watch_->NoteSent(it());
  loop_.Advance(Milliseconds(30));
  for (int i = 0; i < 2; ++i) watch_->NoteSent(*connections_.Find(other));
  loop_.Advance(Milliseconds(50));
  EXPECT_THAT(silent_, ElementsAre(number_));
  loop_.Advance(Milliseconds(30));
  EXPECT_THAT(silent_, ElementsAre(number_, other));
}

}  // namespace
}  // namespace dotcache
