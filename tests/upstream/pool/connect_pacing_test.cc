// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/connect_pacing.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

constexpr MonoTime kNow{Seconds(1000)};

TEST(ConnectPacingTest, AfterAFailureNoneBeginsForHalfASecondUnlessItIsForgotten) {
  ConnectPacing pacing;
  EXPECT_TRUE(pacing.MayBegin(kNow));
  pacing.NoteFailed(kNow);
  EXPECT_EQ(pacing.failed(), kNow);
  EXPECT_FALSE(pacing.MayBegin(kNow + Milliseconds(499)));
  EXPECT_TRUE(pacing.MayBegin(kNow + Milliseconds(500)));
  pacing.Forget();
  EXPECT_TRUE(pacing.MayBegin(kNow));
}

TEST(ConnectPacingTest, ProbesForQueriesGoByTheLatestConnect) {
  ConnectPacing pacing;
  pacing.NoteBegun(kNow);
  EXPECT_EQ(pacing.begun(), kNow);
  EXPECT_FALSE(pacing.MayProbe(kNow + Milliseconds(999), /*certificate_failed=*/false));
  EXPECT_TRUE(pacing.MayProbe(kNow + Seconds(1), false));
  EXPECT_FALSE(pacing.MayProbe(kNow + Milliseconds(4999), true));
  EXPECT_TRUE(pacing.MayProbe(kNow + Seconds(5), true));
}

}  // namespace
}  // namespace dotcache
