// SPDX-License-Identifier: Apache-2.0
#include "upstream/exchange/provider.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

class ProviderTest : public testing::Test {
 protected:
  // Notes one wrong error for each of `count` names, and returns whether the last one tipped it.
  bool Err(int count, int names = 100) {
    bool erring = false;
    for (int i = 0; i < count; ++i) {
      erring =
          provider_.NoteWrongError(Rcode::kRefused, static_cast<uint64_t>(1 + i % names), now_);
    }
    return erring;
  }

  Provider provider_{"example"};
  MonoTime now_{Seconds(1000)};
};

TEST_F(ProviderTest, EightWrongErrorsMakeItErringAndOneAnswerEndsThat) {
  EXPECT_FALSE(Err(7));
  EXPECT_FALSE(provider_.erring());
  EXPECT_TRUE(Err(1));
  EXPECT_TRUE(provider_.erring());
  EXPECT_EQ(provider_.error(), Rcode::kRefused);
  EXPECT_EQ(provider_.errors(), 8);
  EXPECT_FALSE(Err(1));  // Told once.
  EXPECT_TRUE(provider_.NoteUsable());
  EXPECT_FALSE(provider_.erring());
  EXPECT_FALSE(provider_.NoteUsable());
}

TEST_F(ProviderTest, FewNamesAreNoEvidence) {
  EXPECT_FALSE(Err(1000, /*names=*/3));
  EXPECT_FALSE(provider_.erring());
}

TEST_F(ProviderTest, AnswersInBetweenBeginTheCountAnew) {
  for (int i = 0; i < 20; ++i) {
    EXPECT_FALSE(Err(7));
    EXPECT_FALSE(provider_.NoteUsable());
  }
}

TEST_F(ProviderTest, ErrorsOfMoreThanAMinuteAgoDoNotCount) {
  Err(7);
  now_ += Seconds(61);
  EXPECT_FALSE(Err(7));
}

TEST_F(ProviderTest, WhileItIsErringOneQueryASecondGoesToIt) {
  EXPECT_FALSE(provider_.TakeProbe(now_));
  Err(8);
  EXPECT_FALSE(provider_.TakeProbe(now_ + Milliseconds(999)));
  EXPECT_TRUE(provider_.TakeProbe(now_ + Seconds(1)));
  EXPECT_FALSE(provider_.TakeProbe(now_ + Milliseconds(1999)));
  EXPECT_TRUE(provider_.TakeProbe(now_ + Seconds(2)));
}

TEST_F(ProviderTest, OnlyTheFirstStallsAreFree) {
  EXPECT_TRUE(provider_.NoteStall(now_));
  EXPECT_TRUE(provider_.NoteStall(now_ + Milliseconds(500)));
  for (int second = 1; second < 60; ++second) {
    EXPECT_FALSE(provider_.NoteStall(now_ + Seconds(second)));
  }
  EXPECT_TRUE(provider_.NoteStall(now_ + Seconds(70)));
}

}  // namespace
}  // namespace dotcache
