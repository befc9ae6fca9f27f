// SPDX-License-Identifier: Apache-2.0
#include "upstream/connection/connection_history.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

constexpr MonoTime kNow{Seconds(100)};
constexpr Duration kConfigured = Seconds(300);

TEST(ConnectionHistoryTest, ACloseAfterNAnswersLimitsTheNextConnection) {
  ServerHabits habits;
  ConnectionHistory first(habits);
  for (int i = 0; i < 3; ++i) first.NoteResponse(first.NoteSent(Duration::zero()), kNow);
  first.NoteSent(Duration::zero());
  first.NoteClosedByServer(kNow);
  ConnectionHistory next(habits);
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(next.IsUsedUp(kNow));
    next.NoteSent(Duration::zero());
  }
  EXPECT_TRUE(next.IsUsedUp(kNow));
  EXPECT_EQ(next.Capacity(kNow), 3u);
}

TEST(ConnectionHistoryTest, ACloseAtTheFirstQueryAfterAPauseIsAboutThePause) {
  ServerHabits habits;
  ConnectionHistory history(habits);
  history.NoteResponse(history.NoteSent(Duration::zero()), kNow);
  history.NoteSent(Seconds(20));
  history.NoteClosedByServer(kNow);
  EXPECT_EQ(habits.idle.Allowed(kConfigured), Seconds(16));
  EXPECT_FALSE(ConnectionHistory(habits).IsUsedUp(kNow));
}

TEST(ConnectionHistoryTest, AShortPauseIsNoReason) {
  ServerHabits habits;
  ConnectionHistory history(habits);
  history.NoteSent(Milliseconds(999));
  history.NoteReplaced();
  EXPECT_EQ(habits.idle.Allowed(kConfigured), kConfigured);
  history.NoteSent(Seconds(1));
  history.NoteReplaced();
  EXPECT_EQ(habits.idle.Allowed(kConfigured), Milliseconds(800));
}

// Each second query comes while the server works on another, and is late.
TEST(ConnectionHistoryTest, QueriesThatMeetAnotherAreCountedApart) {
  ServerHabits habits;
  ConnectionHistory history(habits);
  for (int i = 0; i < 8; ++i) {
    const ConnectionHistory::Place worked_on = history.NoteSent(Duration::zero());
    const ConnectionHistory::Place dropped = history.NoteSent(Duration::zero());
    history.NoteResponse(worked_on, kNow);
    history.NoteInTime(worked_on);
    EXPECT_FALSE(history.IsOne(kNow));
    history.NoteOverdue(dropped, kNow);
    EXPECT_TRUE(history.IsDoubtful() || history.IsOne(kNow));
  }
  EXPECT_TRUE(history.IsOne(kNow));
  EXPECT_EQ(history.Capacity(kNow), 1u);
}

TEST(ConnectionHistoryTest, WithoutAResponseSinceNothingIsKnown) {
  ServerHabits habits;
  ConnectionHistory history(habits);
  history.NoteOverdue(history.NoteSent(Duration::zero()), kNow);
  EXPECT_FALSE(history.IsDoubtful());
}

}  // namespace
}  // namespace dotcache
