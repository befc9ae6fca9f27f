// SPDX-License-Identifier: Apache-2.0
#include "upstream/connection/idle_limit.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

constexpr Duration kConfigured = Seconds(30);

TEST(IdleLimitTest, ByDefaultItIsWhatIsConfigured) {
  IdleLimit limit;
  EXPECT_EQ(limit.Allowed(kConfigured), kConfigured);
  limit.NoteHeld();
  EXPECT_EQ(limit.Allowed(kConfigured), kConfigured);
}

TEST(IdleLimitTest, AServerThatClosesFirstIsForestalled) {
  IdleLimit limit;
  limit.NoteClosedByServer(Seconds(10));
  EXPECT_EQ(limit.Allowed(kConfigured), Seconds(8));
  limit.NoteClosedByServer(Milliseconds(1));
  EXPECT_EQ(limit.Allowed(kConfigured), Milliseconds(100));
  limit.NoteClosedByServer(Seconds(60));
  EXPECT_EQ(limit.Allowed(kConfigured), kConfigured);
}

TEST(IdleLimitTest, WhatHeldIsTriedForLonger) {
  IdleLimit limit;
  limit.NoteClosedByServer(Seconds(10));
  limit.NoteHeld();
  EXPECT_EQ(limit.Allowed(kConfigured), Milliseconds(8800));
  for (int i = 0; i < 1000; ++i) limit.NoteHeld();
  EXPECT_EQ(limit.Allowed(kConfigured), kConfigured);
}

}  // namespace
}  // namespace dotcache
