// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/upstream_health.h"

#include <random>

#include "gtest/gtest.h"

namespace dotcache {
namespace {

using State = UpstreamHealth::State;

class UpstreamHealthTest : public testing::Test {
 protected:
  void Fail(UpstreamFailure failure, bool connected = false) {
    health_.OnFailure(failure, connected, now_, random_);
  }
  void Respond(Duration elapsed) { health_.OnResponse(elapsed, true, now_); }
  // How long until the next probe, in seconds.
  double Wait() const { return std::chrono::duration<double>(health_.next_probe() - now_).count(); }
  // The probe that is due next fails.
  void FailProbe(UpstreamFailure failure = UpstreamFailure::kConnectRefused) {
    now_ = health_.next_probe();
    Fail(failure);
  }

  std::mt19937_64 random_{1};
  MonoTime now_{Seconds(1000)};
  UpstreamHealth health_;
  UpstreamLimits limits_;
};

TEST_F(UpstreamHealthTest, IsUpAtFirstWithUnknownResponseTime) {
  EXPECT_EQ(health_.state(), State::kUp);
  EXPECT_EQ(health_.response_time(), std::nullopt);
  EXPECT_EQ(health_.AttemptTimeout(limits_), Milliseconds(400));
}

TEST_F(UpstreamHealthTest, FirstSampleIsTheMean) {
  Respond(Milliseconds(40));
  EXPECT_EQ(health_.response_time(), Milliseconds(40));
  EXPECT_EQ(health_.AttemptTimeout(limits_), Milliseconds(120));  // 40 + 4 x 20.
}

TEST_F(UpstreamHealthTest, TheMeanFollowsTheSamplesSmoothly) {
  Respond(Milliseconds(80));
  Respond(Milliseconds(160));
  EXPECT_EQ(health_.response_time(), Milliseconds(90));
  for (int i = 0; i < 100; ++i) Respond(Milliseconds(20));
  EXPECT_LT(*health_.response_time(), Milliseconds(21));
}

TEST_F(UpstreamHealthTest, OneSlowAnswerCountsAsThreeTimesTheMeanAtMost) {
  Respond(Milliseconds(8));
  Respond(Seconds(8));
  EXPECT_EQ(health_.response_time(), Milliseconds(10));  // 8 + (24 - 8) / 8.
}

TEST_F(UpstreamHealthTest, TheMeanLeavesZero) {
  Respond(Milliseconds(0));
  for (int i = 0; i < 100; ++i) Respond(Milliseconds(50));
  EXPECT_GT(*health_.response_time(), Milliseconds(40));
}

TEST_F(UpstreamHealthTest, AttemptTimeoutStaysWithinItsLimits) {
  for (int i = 0; i < 100; ++i) Respond(Milliseconds(1));
  EXPECT_EQ(health_.AttemptTimeout(limits_), limits_.tuning.min_attempt_timeout);
  for (int i = 0; i < 100; ++i) Respond(Seconds(3));
  EXPECT_EQ(health_.AttemptTimeout(limits_), Milliseconds(1500));
  limits_.tuning.max_attempt_timeout = Milliseconds(50);  // Below the minimum: the maximum wins.
  EXPECT_EQ(health_.AttemptTimeout(limits_), Milliseconds(50));
}

TEST_F(UpstreamHealthTest, SilenceCountsUntilTheNextResponse) {
  Respond(Milliseconds(8));
  health_.OnSlow(Milliseconds(100));
  health_.OnSlow(Milliseconds(60));
  EXPECT_EQ(health_.response_time(), Milliseconds(100));
  EXPECT_EQ(health_.AttemptTimeout(limits_),
            limits_.tuning.min_attempt_timeout);  // Patience does not grow with it.
  Respond(Milliseconds(8));
  EXPECT_EQ(health_.response_time(), Milliseconds(8));
  health_.OnSlow(Milliseconds(5));  // Less than is usual: no evidence.
  EXPECT_EQ(health_.response_time(), Milliseconds(8));
}

TEST_F(UpstreamHealthTest, PatienceWithAnUnknownServerIsThreeConnects) {
  health_.OnConnected(Milliseconds(50), /*proves_life=*/true, now_);
  EXPECT_EQ(health_.AttemptTimeout(limits_), Milliseconds(150));
  health_.OnConnected(Milliseconds(900), /*proves_life=*/true, now_);
  EXPECT_EQ(health_.AttemptTimeout(limits_), Milliseconds(400));
}

TEST_F(UpstreamHealthTest, StallTimeIsFourMeansAndFortyMillisecondsAtLeast) {
  EXPECT_EQ(health_.StallTime(limits_), health_.AttemptTimeout(limits_));
  Respond(Milliseconds(2));
  EXPECT_EQ(health_.StallTime(limits_), Milliseconds(40));
  health_ = UpstreamHealth();
  Respond(Milliseconds(30));
  EXPECT_EQ(health_.StallTime(limits_), Milliseconds(120));
}

TEST_F(UpstreamHealthTest, NineteenOfTwentyResponsesAreBelowTheSlowMark) {
  std::uniform_int_distribution<int> milliseconds(0, 99);
  for (int i = 0; i < 20000; ++i) Respond(Milliseconds(milliseconds(random_)));
  EXPECT_GT(*health_.slow_response_time(), Milliseconds(85));
  EXPECT_LT(*health_.slow_response_time(), Milliseconds(100));
}

TEST_F(UpstreamHealthTest, WantOfOurOwnResourcesIsTriedAgainSoonForAsLongAsItLasts) {
  Fail(UpstreamFailure::kOutOfResources);
  EXPECT_EQ(health_.state(), State::kDown);
  for (int i = 0; i < 20; ++i) {
    FailProbe(UpstreamFailure::kOutOfResources);
    EXPECT_LE(Wait(), 0.625) << i;
  }
  FailProbe(UpstreamFailure::kConnectRefused);
  EXPECT_LE(Wait(), 0.625);  // It does not count as a failed probe.
}

TEST_F(UpstreamHealthTest, TheBackOffOfAnOutageLongAgoDoesNotGoOnAfterWantOfOurOwnResources) {
  for (const bool is_up_between : {false, true}) {
    Fail(UpstreamFailure::kConnectRefused);
    for (int i = 0; i < 8; ++i) FailProbe(UpstreamFailure::kConnectRefused);
    health_.OnAlive(now_);
    now_ += Seconds(3600);
    Fail(UpstreamFailure::kOutOfResources);
    if (is_up_between) {
      health_.OnAlive(now_);
      Fail(UpstreamFailure::kConnectRefused);
    } else {
      FailProbe(UpstreamFailure::kConnectRefused);
    }
    EXPECT_EQ(health_.state(), State::kDown);
    EXPECT_LE(Wait(), 0.625) << is_up_between;
    health_.OnAlive(now_);
    now_ += Seconds(3600);
  }
}

TEST_F(UpstreamHealthTest, LackOfOurResourcesIsNoEvidenceAgainstAConnectedServer) {
  for (int i = 0; i < 5; ++i) Fail(UpstreamFailure::kOutOfResources, /*connected=*/true);
  Fail(UpstreamFailure::kTimeout, true);
  Fail(UpstreamFailure::kTimeout, true);
  EXPECT_EQ(health_.state(), State::kUp);
  health_.OnSilence();
  Fail(UpstreamFailure::kOutOfResources);
  EXPECT_EQ(health_.state(), State::kOnTrial);
}

TEST_F(UpstreamHealthTest, WantOfOurOwnResourcesIsNotWhyABadCertificateIsDown) {
  Fail(UpstreamFailure::kCertificate);
  FailProbe(UpstreamFailure::kOutOfResources);
  EXPECT_EQ(health_.last_failure(), UpstreamFailure::kCertificate);
}

TEST_F(UpstreamHealthTest, SilencePutsAServerOnTrialAndOneFailureTakesItDownThen) {
  health_.OnSilence();
  EXPECT_EQ(health_.state(), State::kOnTrial);
  health_.OnAlive(now_);
  EXPECT_EQ(health_.state(), State::kUp);
  health_.OnSilence();
  Fail(UpstreamFailure::kTimeout, true);
  EXPECT_EQ(health_.state(), State::kDown);
  health_.OnConnected(Milliseconds(10), true, now_);
  EXPECT_EQ(health_.state(), State::kDown);  // It must answer.
  health_.OnSilence();
  EXPECT_EQ(health_.state(), State::kDown);
}

TEST_F(UpstreamHealthTest, ATrialTakesThreeHandshakesAndAtLeast200Milliseconds) {
  health_.OnConnected(Milliseconds(10), true, now_);
  EXPECT_EQ(health_.TrialTime(limits_), Milliseconds(200));
  health_.OnConnected(Milliseconds(300), true, now_);
  EXPECT_EQ(health_.TrialTime(limits_), Milliseconds(900));
  health_.OnConnected(Seconds(3), true, now_);
  EXPECT_EQ(health_.TrialTime(limits_), limits_.tuning.max_attempt_timeout);
}

TEST_F(UpstreamHealthTest, FastErrorsDoNotMakeAServerFast) {
  Respond(Milliseconds(40));
  for (int i = 0; i < 100; ++i) health_.OnResponse(Milliseconds(1), /*usable=*/false, now_);
  EXPECT_EQ(health_.response_time(), Milliseconds(40));
}

TEST_F(UpstreamHealthTest, AFailedConnectMarksDownWhenNothingElseIsConnected) {
  for (const UpstreamFailure failure :
       {UpstreamFailure::kConnectRefused, UpstreamFailure::kUnreachable,
        UpstreamFailure::kConnectFailed, UpstreamFailure::kConnectTimeout,
        UpstreamFailure::kTlsHandshake, UpstreamFailure::kCertificate,
        UpstreamFailure::kClientCertificate}) {
    health_ = UpstreamHealth();
    Fail(failure, /*connected=*/true);
    EXPECT_EQ(health_.state(), State::kUp);
    Fail(failure, /*connected=*/false);
    EXPECT_EQ(health_.state(), State::kDown);
    EXPECT_EQ(health_.last_failure(), failure);
  }
}

TEST_F(UpstreamHealthTest, ThreeTransportFailuresInARowMarkDown) {
  Fail(UpstreamFailure::kTimeout, true);
  Fail(UpstreamFailure::kConnectionLost, true);
  Respond(Milliseconds(10));
  Fail(UpstreamFailure::kTimeout, true);
  Fail(UpstreamFailure::kTimeout, true);
  EXPECT_EQ(health_.state(), State::kUp);
  Fail(UpstreamFailure::kTimeout, true);
  EXPECT_EQ(health_.state(), State::kDown);
}

TEST_F(UpstreamHealthTest, ConnectionsLostWithinASecondAreOneFailure) {
  for (int i = 0; i < 100; ++i) Fail(UpstreamFailure::kConnectionLost, true);
  EXPECT_EQ(health_.failures_in_row(), 1);
  now_ += Milliseconds(999);
  Fail(UpstreamFailure::kConnectionLost, true);
  EXPECT_EQ(health_.failures_in_row(), 1);
}

TEST_F(UpstreamHealthTest, AServerThatLosesEveryConnectionGoesDownAfterAWhile) {
  for (int i = 0; i < 21; ++i) {
    EXPECT_EQ(health_.state(), State::kUp);
    Fail(UpstreamFailure::kConnectionLost, true);
    now_ += Milliseconds(100);
  }
  EXPECT_EQ(health_.state(), State::kDown);
}

TEST_F(UpstreamHealthTest, BadAnswersNeverMarkDown) {
  for (int i = 0; i < 1000; ++i) {
    Fail(UpstreamFailure::kMalformed);
    Fail(UpstreamFailure::kNotAnAnswer);
    Fail(UpstreamFailure::kTruncated);
    Fail(UpstreamFailure::kServFail);
    Fail(UpstreamFailure::kOverloaded);
  }
  EXPECT_EQ(health_.state(), State::kUp);
}

TEST_F(UpstreamHealthTest, ProbesBackOffFromHalfASecondToThirtySeconds) {
  Fail(UpstreamFailure::kConnectRefused);
  for (const double wait : {0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0}) {
    EXPECT_GE(Wait(), 0.75 * wait);
    EXPECT_LE(Wait(), 1.25 * wait);
    FailProbe();
  }
}

TEST_F(UpstreamHealthTest, AFailureAheadOfTheProbeDoesNotPutItOff) {
  Fail(UpstreamFailure::kConnectRefused);
  const MonoTime due = health_.next_probe();
  now_ += Milliseconds(1);
  Fail(UpstreamFailure::kConnectRefused);
  Fail(UpstreamFailure::kConnectionLost);
  EXPECT_EQ(health_.next_probe(), due);
}

// A server that refuses our certificate lets us connect first.
TEST_F(UpstreamHealthTest, AfterARefusalOfOursBeingConnectedIsNoAnswer) {
  Fail(UpstreamFailure::kClientCertificate);
  health_.OnConnected(Milliseconds(10), /*proves_life=*/true, now_);
  EXPECT_EQ(health_.state(), State::kDown);
  FailProbe(UpstreamFailure::kClientCertificate);
  EXPECT_GE(Wait(), 22.5);
  health_.OnConnected(Milliseconds(10), /*proves_life=*/true, now_);
  Respond(Milliseconds(10));
  EXPECT_EQ(health_.state(), State::kUp);
}

TEST_F(UpstreamHealthTest, AChangeOfTheNetworkMakesTheProbeDueAndTheBackOffBeginAnew) {
  Fail(UpstreamFailure::kCertificate);  // As behind the portal of a hotel.
  for (int i = 0; i < 9; ++i) FailProbe();
  health_.OnNetworkChange(now_);
  EXPECT_EQ(health_.next_probe(), now_);
  EXPECT_EQ(health_.state(), State::kDown);
  FailProbe();
  EXPECT_LE(Wait(), 1.25 * 0.5);
}

TEST_F(UpstreamHealthTest, AChangeOfTheNetworkForgetsFailuresAndSilence) {
  Respond(Milliseconds(8));
  health_.OnSlow(Seconds(1));
  Fail(UpstreamFailure::kTimeout);
  Fail(UpstreamFailure::kTimeout);
  health_.OnNetworkChange(now_);
  EXPECT_EQ(health_.response_time(), Milliseconds(8));
  Fail(UpstreamFailure::kTimeout);
  EXPECT_EQ(health_.state(), State::kUp);
}

TEST_F(UpstreamHealthTest, ABadCertificateWaitsLongAtOnce) {
  Fail(UpstreamFailure::kCertificate);
  EXPECT_GE(Wait(), 22.5);
  EXPECT_LE(Wait(), 37.5);
}

TEST_F(UpstreamHealthTest, ConnectingAgainEndsTroubleWithConnecting) {
  Fail(UpstreamFailure::kConnectRefused);
  health_.OnConnected(Milliseconds(50), /*proves_life=*/true, now_);
  EXPECT_EQ(health_.state(), State::kUp);
}

TEST_F(UpstreamHealthTest, ARouteToAServerOverUdpIsNoSignOfLife) {
  Fail(UpstreamFailure::kConnectRefused);
  health_.OnConnected(Milliseconds(1), /*proves_life=*/false, now_);
  EXPECT_EQ(health_.state(), State::kDown);
  Respond(Milliseconds(10));
  EXPECT_EQ(health_.state(), State::kUp);
}

TEST_F(UpstreamHealthTest, AServerThatDidNotAnswerMustAnswerToBeUp) {
  for (int i = 0; i < 3; ++i) Fail(UpstreamFailure::kTimeout);
  FailProbe();  // A probe that cannot connect in between changes nothing.
  health_.OnConnected(Milliseconds(50), true, now_);
  EXPECT_EQ(health_.state(), State::kDown);
  FailProbe(UpstreamFailure::kTimeout);
  health_.OnConnected(Milliseconds(50), true, now_);
  EXPECT_EQ(health_.state(), State::kDown);
  Respond(Milliseconds(10));
  EXPECT_EQ(health_.state(), State::kUp);
}

TEST_F(UpstreamHealthTest, AnyAnswerEndsTheTrouble) {
  for (int i = 0; i < 3; ++i) Fail(UpstreamFailure::kTimeout);
  health_.OnResponse(Milliseconds(900), /*usable=*/false, now_);
  EXPECT_EQ(health_.state(), State::kUp);
}

TEST_F(UpstreamHealthTest, AFlappingServerIsProbedEverMoreSeldom) {
  for (int i = 0; i < 8; ++i) {
    Fail(UpstreamFailure::kConnectRefused);
    now_ = health_.next_probe();
    health_.OnConnected(Milliseconds(50), /*proves_life=*/true, now_);
    Respond(Milliseconds(10));
    now_ += Seconds(1);
  }
  Fail(UpstreamFailure::kConnectRefused);
  EXPECT_GE(Wait(), 22.5);
}

TEST_F(UpstreamHealthTest, BackOffStartsAnewAfterASteadyTime) {
  Fail(UpstreamFailure::kConnectRefused);
  for (int i = 0; i < 8; ++i) FailProbe();
  health_.OnConnected(Milliseconds(50), /*proves_life=*/true, now_);
  now_ += Seconds(31);
  Fail(UpstreamFailure::kConnectRefused);
  EXPECT_LE(Wait(), 0.625);
}

TEST_F(UpstreamHealthTest, ProbesAreSpreadByJitter) {
  Fail(UpstreamFailure::kConnectRefused);
  UpstreamHealth other;
  other.OnFailure(UpstreamFailure::kConnectRefused, false, now_, random_);
  EXPECT_NE(health_.next_probe(), other.next_probe());
}

}  // namespace
}  // namespace dotcache
