// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/connect_pacing.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

constexpr MonoTime kStart{Seconds(100)};

TEST(ConnectPacingTest, AfterAFailureNoneBeginsForHalfASecondUnlessItIsForgotten) {
  ProbeGate gate;
  ConnectPacing pacing(gate);
  EXPECT_TRUE(pacing.MayBegin(kStart));
  pacing.NoteFailed(kStart);
  EXPECT_FALSE(pacing.MayBegin(kStart + Milliseconds(499)));
  EXPECT_TRUE(pacing.MayBegin(kStart + Milliseconds(500)));
  pacing.Forget();
  EXPECT_TRUE(pacing.MayBegin(kStart));
}

TEST(ConnectPacingTest, LastResortsAndProbesGoByTheLatestBegin) {
  ProbeGate gate;
  ConnectPacing pacing(gate);
  pacing.NoteBegun(kStart);
  EXPECT_FALSE(pacing.MayBeginLastResort(kStart + Milliseconds(99)));
  EXPECT_TRUE(pacing.MayBeginLastResort(kStart + Milliseconds(100)));
  EXPECT_TRUE(pacing.HasJustBegun(kStart + Milliseconds(249)));
  EXPECT_FALSE(pacing.HasJustBegun(kStart + Milliseconds(250)));
  EXPECT_FALSE(pacing.IsProbeDue(kStart + Milliseconds(999)));
  EXPECT_TRUE(pacing.IsProbeDue(kStart + Seconds(1)));
  EXPECT_FALSE(pacing.IsCertificateProbeDue(kStart + Milliseconds(4999)));
  EXPECT_TRUE(pacing.IsCertificateProbeDue(kStart + Seconds(5)));
}

TEST(ConnectPacingTest, OneOfAllWorkersHasTheTurnAndWhatItFindsGivesItToAll) {
  ProbeGate gate;
  ConnectPacing ours(gate);
  ConnectPacing theirs(gate);
  EXPECT_TRUE(ours.TakeTurn(kStart, kStart));
  EXPECT_FALSE(theirs.TakeTurn(kStart, kStart + Milliseconds(500)));
  ours.TellUp(kStart + Milliseconds(600));
  EXPECT_TRUE(theirs.TakeTurn(kStart, kStart + Milliseconds(700)));
  EXPECT_FALSE(theirs.TakeTurn(kStart + Milliseconds(650), kStart + Milliseconds(700)));
  theirs.TellFailed(kStart + Milliseconds(800));
  EXPECT_TRUE(ours.HasFailedSince(kStart + Milliseconds(700)));
  EXPECT_FALSE(ours.HasFailedSince(kStart + Milliseconds(800)));
  EXPECT_FALSE(ours.IsCertificateProbeDue(kStart + Milliseconds(5700)));
  EXPECT_TRUE(ours.IsCertificateProbeDue(kStart + Milliseconds(5800)));
  ours.TellUp(kStart + Milliseconds(900));
  EXPECT_FALSE(ours.HasFailedSince(kStart));
}

}  // namespace
}  // namespace dotcache
