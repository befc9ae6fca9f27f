// SPDX-License-Identifier: Apache-2.0
#include "upstream/connection/connection.h"

#include "gtest/gtest.h"
#include "tests/support/fake_connection.h"
#include "tests/support/message_builder.h"

namespace dotcache {
namespace {

constexpr MonoTime kNow{Seconds(100)};

TEST(ConnectionTest, AStateNeverGoesBackExceptFromSilence) {
  FakeConnection connection;
  EXPECT_EQ(connection.state(), ConnectionState::kConnecting);
  connection.GoSilent(kNow);  // It cannot have said anything yet.
  EXPECT_EQ(connection.state(), ConnectionState::kConnecting);
  connection.BecomeReady();
  connection.GoSilent(kNow);
  EXPECT_TRUE(connection.silent());
  EXPECT_EQ(connection.silent_since(), kNow);
  connection.NoteReceived(kNow + Seconds(1));
  EXPECT_EQ(connection.state(), ConnectionState::kReady);
  EXPECT_EQ(connection.last_received(), kNow + Seconds(1));
  connection.Drain();
  connection.NoteReceived(kNow + Seconds(2));
  connection.GoSilent(kNow + Seconds(3));
  EXPECT_TRUE(connection.draining());
  connection.ChangeState(ConnectionState::kClosed);
  connection.Drain();
  EXPECT_EQ(connection.state(), ConnectionState::kClosed);
}

TEST(ConnectionTest, OneThatDrainsMayBecomeReady) {
  FakeConnection connection;
  connection.Drain();
  EXPECT_FALSE(connection.ready());
  connection.BecomeReady();
  EXPECT_TRUE(connection.ready());
  EXPECT_EQ(connection.state(), ConnectionState::kDraining);
}

TEST(ConnectionTest, AResponseIsJudgedByItsQuestion) {
  const Question question{*DomainName::FromText("www.example"), QType::kA, QClass::kIn};
  EdnsInfo edns;
  const auto failure = [&](const WireMessage& message) {
    const AttemptResult result = JudgeResponse(message, question, &edns);
    const UpstreamFailure* found = std::get_if<UpstreamFailure>(&result);
    return found == nullptr ? UpstreamFailure::kTimeout : *found;
  };
  WireMessage garbage(20, 0xff);
  EXPECT_EQ(failure(garbage), UpstreamFailure::kMalformed);
}

}  // namespace
}  // namespace dotcache
