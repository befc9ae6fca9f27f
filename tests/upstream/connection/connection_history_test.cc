// SPDX-License-Identifier: Apache-2.0
#include "upstream/connection/connection_history.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

constexpr MonoTime kNow{Seconds(100)};
constexpr Duration kConfigured = Seconds(300);

class ConnectionHistoryTest : public testing::Test {
 protected:
  ServerHabits habits_;
  ConnectionHistory history_{habits_};
};

TEST_F(ConnectionHistoryTest, ACloseAfterNAnswersLimitsTheNextConnection) {
  ConnectionHistory first(habits_);
  for (int i = 0; i < 3; ++i) first.NoteResponse(first.NoteSent(Duration::zero()), kNow);
  first.NoteSent(Duration::zero());
  first.NoteClosedByServer(kNow);
  ConnectionHistory next(habits_);
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(next.IsUsedUp(kNow));
    next.NoteSent(Duration::zero());
  }
  EXPECT_TRUE(next.IsUsedUp(kNow));
  EXPECT_EQ(next.Capacity(kNow), 3u);
}

TEST_F(ConnectionHistoryTest, ACloseAtTheFirstQueryAfterAPauseIsAboutThePause) {
  history_.NoteResponse(history_.NoteSent(Duration::zero()), kNow);
  history_.NoteSent(Seconds(20));
  history_.NoteClosedByServer(kNow);
  EXPECT_EQ(habits_.idle.Allowed(kConfigured), Seconds(16));
  EXPECT_FALSE(ConnectionHistory(habits_).IsUsedUp(kNow));
}

TEST_F(ConnectionHistoryTest, AShortPauseIsNoReason) {
  history_.NoteSent(Milliseconds(999));
  history_.NoteReplaced();
  EXPECT_EQ(habits_.idle.Allowed(kConfigured), kConfigured);
  history_.NoteSent(Seconds(1));
  history_.NoteReplaced();
  EXPECT_EQ(habits_.idle.Allowed(kConfigured), Milliseconds(800));
}

// Each second query comes while the server works on another, and is late.
TEST_F(ConnectionHistoryTest, QueriesThatMeetAnotherAreCountedApart) {
  for (int i = 0; i < 8; ++i) {
    const ConnectionHistory::Place worked_on = history_.NoteSent(Duration::zero());
    const ConnectionHistory::Place dropped = history_.NoteSent(Duration::zero());
    history_.NoteResponse(worked_on, kNow);
    history_.NoteInTime(worked_on);
    EXPECT_FALSE(history_.IsOne(kNow));
    history_.NoteOverdue(dropped, kNow);
    EXPECT_TRUE(history_.IsDoubtful() || history_.IsOne(kNow));
  }
  EXPECT_TRUE(history_.IsOne(kNow));
  EXPECT_EQ(history_.Capacity(kNow), 1u);
}

TEST_F(ConnectionHistoryTest, WithoutAResponseSinceNothingIsKnown) {
  history_.NoteOverdue(history_.NoteSent(Duration::zero()), kNow);
  EXPECT_FALSE(history_.IsDoubtful());
}

}  // namespace
}  // namespace dotcache
