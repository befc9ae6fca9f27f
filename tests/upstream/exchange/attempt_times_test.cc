// SPDX-License-Identifier: Apache-2.0
#include "upstream/exchange/attempt_times.h"

#include "gtest/gtest.h"
#include "tests/support/scripted_zones.h"

namespace dotcache {
namespace {

using AttemptState = AttemptView::State;

class AttemptTimesTest : public testing::Test, protected ScriptedZones {
 protected:
  AttemptTimesTest() {
    AddZone(".", 2);
    MakeZones();
    exchange_.zone = &zones_->root();
    exchange_.progress.may_hedge = true;
  }

  UpstreamZone::Views Views() { return exchange_.zone->LookAt(loop_.Now()); }
  const AttemptView& view(size_t index) const { return exchange_.progress.attempts[index]; }
  Duration SentPatience() const { return exchange_.zone->server(0).SentPatience(); }

  ExchangeRecord exchange_;
};

TEST_F(AttemptTimesTest, AnAttemptThatWaitsHasThePatienceOfItsConnection) {
  NoteAttempt(exchange_, 0, {.connection = 1}, Views(), loop_.Now());
  EXPECT_EQ(view(0).state, AttemptState::kQueued);
  EXPECT_EQ(view(0).due, loop_.Now() + exchange_.zone->server(0).QueuedPatience());
  EXPECT_FALSE(exchange_.progress.left);
  EXPECT_EQ(exchange_.attempts_made, 1);
}

TEST_F(AttemptTimesTest, ThePatienceBeginsAgainWhenTheQueryLeaves) {
  NoteAttempt(exchange_, 0, {}, Views(), loop_.Now());
  loop_.Advance(Milliseconds(30));
  NotePlaced(exchange_, 0, {.connection = 7, .sent = true}, loop_.Now());
  EXPECT_EQ(exchange_.attempts[0].place.connection, 7u);
  EXPECT_EQ(exchange_.attempts[0].began, loop_.Now());
  EXPECT_EQ(view(0).state, AttemptState::kSent);
  EXPECT_EQ(view(0).due, loop_.Now() + SentPatience());
  EXPECT_TRUE(exchange_.progress.left);
}

TEST_F(AttemptTimesTest, OnlyAnAttemptThatWasSentBecomesLate) {
  NoteAttempt(exchange_, 0, {.connection = 1, .sent = true}, Views(), loop_.Now());
  NoteAttempt(exchange_, 1, {.connection = 1}, Views(), loop_.Now());
  MarkLate(exchange_, loop_.Now() + SentPatience() - Milliseconds(1));
  EXPECT_EQ(view(0).state, AttemptState::kSent);
  MarkLate(exchange_, loop_.Now() + Seconds(10));
  EXPECT_EQ(view(0).state, AttemptState::kLate);
  EXPECT_EQ(view(1).state, AttemptState::kQueued);
}

TEST_F(AttemptTimesTest, TheFirstQueryThatLeavesSetsTheTimeOfTheHedge) {
  NoteAttempt(exchange_, 0, {.connection = 1, .sent = true}, Views(), loop_.Now());
  const MonoTime hedge_at = exchange_.progress.hedge_at;
  EXPECT_EQ(hedge_at, loop_.Now() + exchange_.zone->HedgeTime(Views()));
  loop_.Advance(Milliseconds(5));
  NoteAttempt(exchange_, 1, {.connection = 1, .sent = true}, Views(), loop_.Now());
  EXPECT_EQ(exchange_.progress.hedge_at, hedge_at);
}

}  // namespace
}  // namespace dotcache
