// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/server_probes.h"

#include <random>

#include "gtest/gtest.h"
#include "tests/support/simulated_loop.h"

namespace dotcache {
namespace {

// Probes that are counted and fail at once.
class ServerProbesTest : public testing::Test {
 protected:
  void Fail(UpstreamFailure failure = UpstreamFailure::kConnectRefused) {
    pacing_.NoteFailed(loop_.Now());
    health_.OnFailure(failure, false, loop_.Now(), random_);
    probes_.Arm();
  }
  bool Open() {
    ++opened_;
    pacing_.NoteBegun(loop_.Now());
    probes_.NoteTry();
    Fail(health_.last_failure());
    return true;
  }

  SimulatedLoop loop_;
  std::mt19937_64 random_{1};
  UpstreamHealth health_;
  ServerConnections connections_{4};
  ConnectPacing pacing_;
  bool may_probe_ = true;
  int opened_ = 0;
  ServerProbes probes_{{loop_, health_, connections_, pacing_},
                       [this] { return may_probe_; },
                       [this] { return Open(); }};
};

TEST_F(ServerProbesTest, AServerThatIsUpIsNotProbed) {
  probes_.Arm();
  probes_.Now();
  probes_.OnDemand();
  loop_.Advance(Seconds(60));
  EXPECT_EQ(opened_, 0);
}

TEST_F(ServerProbesTest, TheBackOffEndsWithAProbe) {
  Fail();
  loop_.Advance(Milliseconds(374));
  EXPECT_EQ(opened_, 0);
  loop_.Advance(Milliseconds(251));  // 0.5 s, give or take a quarter.
  EXPECT_EQ(opened_, 1);
}

TEST_F(ServerProbesTest, UrgentProbesDoNotWaitForIt) {
  Fail();
  for (int i = 0; i < 6; ++i) Open();  // The back-off is long by now.
  opened_ = 0;
  probes_.SetUrgent(true);
  loop_.Advance(Milliseconds(950));
  EXPECT_GE(opened_, 8);
  loop_.Advance(Milliseconds(200));
  opened_ = 0;
  loop_.Advance(Seconds(10));
  EXPECT_LE(opened_, 11);
  EXPECT_GE(opened_, 9);
}

TEST_F(ServerProbesTest, AQueryCausesAProbeOnceASecond) {
  Fail();
  Open();
  opened_ = 0;
  probes_.OnDemand();
  EXPECT_EQ(opened_, 0);
  may_probe_ = false;
  loop_.Advance(Seconds(2));
  probes_.OnDemand();
  EXPECT_EQ(opened_, 0);
  may_probe_ = true;
  probes_.OnDemand();
  EXPECT_EQ(opened_, 1);
}

TEST_F(ServerProbesTest, TriesCountFromTheLatestSignOfLife) {
  EXPECT_EQ(probes_.in_vain_since(), loop_.Now());
  probes_.NoteTry();
  const MonoTime tried = loop_.Now();
  loop_.Advance(Seconds(3));
  probes_.NoteTry();
  EXPECT_EQ(probes_.in_vain_since(), tried);
  probes_.NoteSign();
  EXPECT_EQ(probes_.in_vain_since(), loop_.Now());
}

TEST_F(ServerProbesTest, ACertificateThatFailedIsNoted) {
  EXPECT_FALSE(probes_.certificate_failed());
  Fail(UpstreamFailure::kCertificate);
  EXPECT_TRUE(probes_.certificate_failed());
}

}  // namespace
}  // namespace dotcache
