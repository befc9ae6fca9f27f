// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/state_log.h"

#include <random>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dotcache {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class StateLogTest : public testing::Test {
 protected:
  StateLogTest() {
    server_.provider = "example";
    server_.endpoint = *Endpoint::Parse("192.0.2.53:853");
  }

  void GoDown(UpstreamFailure failure) {
    health_.OnFailure(failure, /*connected=*/false, now_, random_);
  }

  std::string Note(StateLog& log, bool& changed) {
    testing::internal::CaptureStderr();
    changed = log.Note(health_, "the cause");
    return testing::internal::GetCapturedStderr();
  }

  MonoTime now_{Seconds(100)};
  std::mt19937_64 random_{1};
  UpstreamServerOptions server_;
  ProbeGate gate_;
  UpstreamHealth health_;
};

TEST_F(StateLogTest, GoingDownIsToldOnceWithServerPhaseAndCause) {
  StateLog log(server_, gate_, false);
  bool changed = false;
  EXPECT_EQ(Note(log, changed), "");
  EXPECT_FALSE(changed);
  GoDown(UpstreamFailure::kCertificate);
  EXPECT_THAT(Note(log, changed),
              AllOf(HasSubstr("upstream down"), HasSubstr("provider=example"),
                    HasSubstr("address=192.0.2.53:853"), HasSubstr("failure=certificate"),
                    HasSubstr("cause=\"the cause\"")));
  EXPECT_TRUE(changed);
  EXPECT_FALSE(log.told_up());
  EXPECT_EQ(Note(log, changed), "");
  EXPECT_FALSE(changed);
}

TEST_F(StateLogTest, WhatIsWrongWithItIsToldWhereWeLackedTheMeansToAsk) {
  StateLog log(server_, gate_, false);
  bool changed = false;
  GoDown(UpstreamFailure::kOutOfResources);
  EXPECT_THAT(Note(log, changed), HasSubstr("failure=out-of-resources"));
  EXPECT_TRUE(changed);
  now_ = health_.next_probe();
  GoDown(UpstreamFailure::kConnectRefused);
  EXPECT_THAT(Note(log, changed), HasSubstr("failure=refused"));
  EXPECT_FALSE(changed);  // It has been down since then.
  now_ = health_.next_probe();
  GoDown(UpstreamFailure::kOutOfResources);
  EXPECT_EQ(Note(log, changed), "");
}

TEST_F(StateLogTest, ComingBackIsToldOnce) {
  StateLog log(server_, gate_, false);
  bool changed = false;
  GoDown(UpstreamFailure::kConnectRefused);
  Note(log, changed);
  health_.OnResponse(Milliseconds(10), true, now_);
  EXPECT_THAT(Note(log, changed), HasSubstr("upstream up"));
  EXPECT_TRUE(log.told_up());
  EXPECT_EQ(Note(log, changed), "");
}

TEST_F(StateLogTest, WhoKeepsQuietKnowsAllTheSame) {
  StateLog log(server_, gate_, true);
  bool changed = false;
  GoDown(UpstreamFailure::kConnectRefused);
  EXPECT_EQ(Note(log, changed), "");
  EXPECT_TRUE(changed);
  EXPECT_FALSE(log.told_up());
}

TEST_F(StateLogTest, OfAllWorkersTheFirstTells) {
  StateLog mine(server_, gate_, false);
  StateLog other(server_, gate_, false);
  bool changed = false;
  GoDown(UpstreamFailure::kConnectRefused);
  EXPECT_THAT(Note(other, changed), HasSubstr("upstream down"));
  EXPECT_EQ(Note(mine, changed), "");
  EXPECT_TRUE(changed);
  health_.OnResponse(Milliseconds(10), true, now_);
  EXPECT_THAT(Note(mine, changed), HasSubstr("upstream up"));
  EXPECT_EQ(Note(other, changed), "");
  EXPECT_TRUE(changed);
}

TEST_F(StateLogTest, ACertificateThatFailsWhereTheServerWasDownForSomethingElseIsTold) {
  StateLog log(server_, gate_, false);
  bool changed = false;
  GoDown(UpstreamFailure::kConnectRefused);
  Note(log, changed);
  now_ += Seconds(60);
  GoDown(UpstreamFailure::kConnectTimeout);
  EXPECT_EQ(Note(log, changed), "");
  now_ += Seconds(60);
  GoDown(UpstreamFailure::kCertificate);
  EXPECT_THAT(Note(log, changed), HasSubstr("failure=certificate"));
  EXPECT_FALSE(changed);  // It was down before.
  now_ += Seconds(60);
  GoDown(UpstreamFailure::kConnectRefused);
  EXPECT_THAT(Note(log, changed), HasSubstr("failure=refused"));
}

}  // namespace
}  // namespace dotcache
