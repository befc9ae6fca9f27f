// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/loop_watch.h"

#include "gtest/gtest.h"
#include "upstream/pool/loop_probe.h"

namespace dotcache {
namespace {

DomainName ProbeOf(uint64_t number) { return *LoopProbeName(number, DomainName()); }

TEST(LoopWatchTest, TheServerWhoseProbeComesBackLoops) {
  LoopWatch watch(3);
  watch.Expect(1, 7);
  EXPECT_TRUE(watch.OnQuery(ProbeOf(7)));
  EXPECT_FALSE(watch.loops(0));
  EXPECT_TRUE(watch.loops(1));
  EXPECT_TRUE(watch.Conclude(1, /*answered=*/true));
}

TEST(LoopWatchTest, AnotherProcessesProbeIsNoneOfOurs) {
  LoopWatch watch(2);
  watch.Expect(1, 7);
  EXPECT_FALSE(watch.OnQuery(ProbeOf(8)));
  EXPECT_FALSE(watch.OnQuery(ProbeOf(0)));  // Not expected.
  EXPECT_FALSE(watch.OnQuery(*DomainName::FromText("www.example.com")));
  EXPECT_FALSE(watch.loops(0) || watch.loops(1));
}

TEST(LoopWatchTest, AnAnswerToAProbeThatDidNotComeBackEndsALoopAndSilenceDoesNot) {
  LoopWatch watch(1);
  watch.Expect(0, 7);
  watch.OnQuery(ProbeOf(7));
  watch.Conclude(0, true);
  watch.Expect(0, 8);
  EXPECT_TRUE(watch.loops(0));  // Until it is known better.
  EXPECT_TRUE(watch.Conclude(0, /*answered=*/false));
  watch.Expect(0, 9);
  EXPECT_FALSE(watch.Conclude(0, /*answered=*/true));
  EXPECT_FALSE(watch.loops(0));
}

TEST(LoopWatchTest, AForgottenServerIsNoLoopAfterALateTestQuery) {
  LoopWatch watch(1);
  watch.Expect(0, 7);
  EXPECT_TRUE(watch.OnQuery(*LoopProbeName(7, DomainName())));
  watch.Forget(0);
  EXPECT_FALSE(watch.loops(0));
  EXPECT_FALSE(watch.OnQuery(*LoopProbeName(7, DomainName())));
  EXPECT_FALSE(watch.loops(0));
}

TEST(LoopWatchTest, AProbeThatComesBackAfterItsAnswerIsALoopAllTheSame) {
  LoopWatch watch(1);
  watch.Expect(0, 7);
  EXPECT_FALSE(watch.Conclude(0, true));
  EXPECT_TRUE(watch.OnQuery(ProbeOf(7)));
  EXPECT_TRUE(watch.loops(0));
}

}  // namespace
}  // namespace dotcache
