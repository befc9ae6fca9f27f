// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/state_log.h"

#include <random>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/simulated_loop.h"

namespace dotcache {
namespace {

using testing::HasSubstr;
using testing::internal::CaptureStderr;
using testing::internal::GetCapturedStderr;

int CountLines(const std::string& text) {
  return static_cast<int>(std::count(text.begin(), text.end(), '\n'));
}

class StateLogTest : public testing::Test {
 protected:
  StateLogTest() {
    server_.provider = "example";
    server_.endpoint = *Endpoint::Parse("192.0.2.53:853");
  }

  void Down(UpstreamFailure failure) {
    health_ = UpstreamHealth();
    health_.OnFailure(failure, false, loop_.Now(), random_);
    log_.Note(health_, "words");
  }
  void Up() {
    health_ = UpstreamHealth();
    log_.Note(health_, "");
  }

  SimulatedLoop loop_;
  std::mt19937_64 random_{1};
  UpstreamServerOptions server_;
  UpstreamHealth health_;
  StateLog log_{loop_, server_, /*quiet=*/false};
};

TEST_F(StateLogTest, EachChangeIsLoggedOnceWithItsCause) {
  CaptureStderr();
  Up();
  Down(UpstreamFailure::kConnectRefused);
  Down(UpstreamFailure::kConnectRefused);
  Up();
  Up();
  const std::string lines = GetCapturedStderr();
  EXPECT_EQ(CountLines(lines), 2) << lines;
  EXPECT_THAT(lines, HasSubstr("warning upstream down provider=example address=192.0.2.53:853 "
                               "phase=connect failure=refused cause=words"));
  EXPECT_THAT(lines, HasSubstr("info upstream up provider=example"));
}

TEST_F(StateLogTest, AnotherKindOfFailureIsLogged) {
  CaptureStderr();
  Down(UpstreamFailure::kConnectRefused);
  Down(UpstreamFailure::kCertificate);
  const std::string lines = GetCapturedStderr();
  EXPECT_EQ(CountLines(lines), 2);
  EXPECT_THAT(lines, HasSubstr("phase=tls failure=certificate"));
  EXPECT_EQ(log_.cause(), "words");
}

TEST_F(StateLogTest, AFlappingServerGetsFourLinesAndThenOneInTenSeconds) {
  CaptureStderr();
  for (int i = 0; i < 1000; ++i) {
    Down(UpstreamFailure::kConnectRefused);
    loop_.Advance(Milliseconds(50));
    Up();
    loop_.Advance(Milliseconds(50));
  }
  const std::string lines = GetCapturedStderr();
  EXPECT_GE(CountLines(lines), 4 + 5);
  EXPECT_LE(CountLines(lines), 4 + 10);
}

TEST_F(StateLogTest, ALateLogLineShowsTheStateOfItsTime) {
  for (int i = 0; i < 3; ++i) {
    Down(UpstreamFailure::kConnectRefused);
    Up();
  }
  Down(UpstreamFailure::kConnectRefused);
  CaptureStderr();
  loop_.Advance(Seconds(11));
  const std::string lines = GetCapturedStderr();
  EXPECT_EQ(CountLines(lines), 1);
  EXPECT_THAT(lines, HasSubstr("upstream down"));
}

TEST_F(StateLogTest, AfterStopNothingIsLogged) {
  log_.Stop();
  CaptureStderr();
  Down(UpstreamFailure::kConnectRefused);
  EXPECT_EQ(GetCapturedStderr(), "");
}

}  // namespace
}  // namespace dotcache
