// SPDX-License-Identifier: Apache-2.0
#include "upstream/connection/answer_limit.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

constexpr MonoTime kNow{Seconds(100)};

TEST(AnswerLimitTest, ByDefaultThereIsNone) {
  EXPECT_EQ(AnswerLimit().Allowed(kNow), AnswerLimit::kUnlimited);
}

TEST(AnswerLimitTest, OneCloseMayBeARestart) {
  AnswerLimit limit;
  limit.NoteClosedByServer(5, kNow);
  EXPECT_EQ(limit.Allowed(kNow + Milliseconds(9999)), 5u);
  EXPECT_EQ(limit.Allowed(kNow + Seconds(10)), AnswerLimit::kUnlimited);
}

TEST(AnswerLimitTest, TheSameNumberAgainIsALimit) {
  AnswerLimit limit;
  for (const int at : {0, 60}) limit.NoteClosedByServer(5, kNow + Seconds(at));
  EXPECT_EQ(limit.Allowed(kNow + Seconds(119)), 5u);
  EXPECT_EQ(limit.Allowed(kNow + Seconds(120)), AnswerLimit::kUnlimited);
  limit.NoteClosedByServer(7, kNow + Seconds(700));
  EXPECT_EQ(limit.Allowed(kNow + Seconds(700)), 7u);
  EXPECT_EQ(limit.Allowed(kNow + Seconds(710)), AnswerLimit::kUnlimited);
}

TEST(AnswerLimitTest, WhatAnotherConnectionHasExceededIsNone) {
  AnswerLimit limit;
  limit.NoteAnswered(6, kNow);
  limit.NoteClosedByServer(5, kNow + Seconds(599));
  EXPECT_EQ(limit.Allowed(kNow + Seconds(599)), AnswerLimit::kUnlimited);
  limit.NoteClosedByServer(5, kNow + Seconds(600));
  EXPECT_EQ(limit.Allowed(kNow + Seconds(600)), 5u);
}

TEST(AnswerLimitTest, WithoutAnAnswerAQueryMayBeTheReason) {
  AnswerLimit limit;
  limit.NoteClosedByServer(0, kNow);
  EXPECT_EQ(limit.Allowed(kNow), AnswerLimit::kUnlimited);
}

}  // namespace
}  // namespace dotcache
