// SPDX-License-Identifier: Apache-2.0
#include "net/network_changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "tests/support/simulated_loop.h"

namespace dotcache {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

NetworkPath Path(int interface, const std::string& source = "a", const std::string& gateway = "") {
  return {.reachable = true,
          .link_up = true,
          .interface = interface,
          .gateway = gateway,
          .source = source};
}

NetworkEvents SomeEvent() {
  NetworkEvents events;
  events.any = true;
  return events;
}

NetworkEvents LinkEvent(int interface, bool was_down, bool is_up) {
  NetworkEvents events = SomeEvent();
  events.links[interface] = {was_down, is_up};
  return events;
}

class NetworkChangesTest : public testing::Test {
 protected:
  NetworkChangesTest()
      : changes_(loop_, {*Endpoint::Parse("192.0.2.1:853"), *Endpoint::Parse("192.0.2.2:853")},
                 {[this](const Endpoint& peer) { return paths_[peer.AddressToString()]; },
                  [this] { return suspended_time_; }},
                 [this](const NetworkChange& change) {
                   std::string text = change.suspended ? "suspended" : "";
                   for (const NetworkChange::Peer& peer : change.peers) {
                     text += std::to_string(peer.index) + (peer.link_down ? "!" : "");
                   }
                   seen_.push_back(text);
                 }) {}

  void Happens(const NetworkEvents& events) {
    changes_.OnEvents(events);
    loop_.Advance(Milliseconds(400));
  }

  NetworkPath& first() { return paths_["192.0.2.1"]; }
  NetworkPath& second() { return paths_["192.0.2.2"]; }

  SimulatedLoop loop_;
  std::map<std::string, NetworkPath> paths_ = {{"192.0.2.1", Path(2)}, {"192.0.2.2", Path(3)}};
  Duration suspended_time_ = Seconds(1000);
  std::vector<std::string> seen_;
  NetworkChanges changes_;
};

TEST_F(NetworkChangesTest, WhatTouchesNoWayOfOursIsNoChange) {
  Happens(SomeEvent());
  Happens(LinkEvent(99, true, false));  // A container's link goes.
  Happens(LinkEvent(2, false, true));   // News of a link of ours that is as it was.
  EXPECT_THAT(seen_, IsEmpty());
}

TEST_F(NetworkChangesTest, ThePeerIsNamedWhoseWayIsAnother) {
  first().source = "b";
  Happens(SomeEvent());
  second().gateway = "g";
  Happens(SomeEvent());
  first().interface = 4;
  Happens(SomeEvent());
  Happens(SomeEvent());  // As before.
  EXPECT_THAT(seen_, ElementsAre("0", "1", "0"));
}

TEST_F(NetworkChangesTest, AWayThatVanishesAndReturnsIsTwoChanges) {
  const NetworkPath before = first();
  first() = NetworkPath();
  Happens(SomeEvent());
  first() = before;
  Happens(SomeEvent());
  EXPECT_THAT(seen_, ElementsAre("0", "0"));
}

TEST_F(NetworkChangesTest, ALinkThatWasDownForAMomentIsAChange) {
  Happens(LinkEvent(2, true, true));
  EXPECT_THAT(seen_, ElementsAre("0"));
}

TEST_F(NetworkChangesTest, ALinkWithoutCarrierIsToldUntilItHasOneAgain) {
  first().link_up = false;  // What the kernel says when asked, late.
  Happens(LinkEvent(2, true, false));
  Happens(SomeEvent());
  Happens(LinkEvent(2, false, true));
  Happens(SomeEvent());  // The kernel still says that it is down; its event was newer.
  EXPECT_THAT(seen_, ElementsAre("0!", "0"));
}

TEST_F(NetworkChangesTest, WhenNewsWereLostAnyLinkMayHaveBeenDown) {
  NetworkEvents lost;
  lost.lost = true;
  Happens(lost);
  EXPECT_THAT(seen_, ElementsAre("01"));
}

TEST_F(NetworkChangesTest, ABurstIsOneChange) {
  for (int i = 0; i < 9; ++i) {
    first().source += "x";
    changes_.OnEvents(SomeEvent());
    loop_.Advance(Milliseconds(10));
    EXPECT_THAT(seen_, IsEmpty());
  }
  loop_.Advance(Milliseconds(10));
  EXPECT_THAT(seen_, ElementsAre("0"));
  EXPECT_EQ(loop_.armed_timer_count(), 0u);
}

TEST_F(NetworkChangesTest, ChangesKeepADistance) {
  for (int i = 0; i < 60; ++i) {  // Three seconds of a link that flaps.
    first().source += "x";
    changes_.OnEvents(SomeEvent());
    loop_.Advance(Milliseconds(50));
  }
  EXPECT_EQ(seen_.size(), 10u);
}

TEST_F(NetworkChangesTest, ASleepConcernsAllAtOnce) {
  suspended_time_ += Seconds(1);
  changes_.OnWakeUp();
  EXPECT_THAT(seen_, ElementsAre("suspended01"));
  changes_.OnWakeUp();
  EXPECT_EQ(seen_.size(), 1u);
}

TEST_F(NetworkChangesTest, AClockThatWasSetIsNoSleep) {
  suspended_time_ += Milliseconds(999);
  changes_.OnWakeUp();
  changes_.OnEvents({});
  EXPECT_THAT(seen_, IsEmpty());
}

TEST_F(NetworkChangesTest, AnyEventShowsASleep) {
  suspended_time_ += std::chrono::hours(8);
  second().link_up = false;
  changes_.OnEvents(SomeEvent());
  EXPECT_THAT(seen_, ElementsAre("suspended01!"));
}

TEST_F(NetworkChangesTest, WhenNothingIsHeardAnyMoreNoLinkStaysDown) {
  Happens(LinkEvent(2, true, false));
  changes_.OnEvents(SomeEvent());
  changes_.OnEnd();
  loop_.Advance(Seconds(1));
  EXPECT_THAT(seen_, ElementsAre("0!", "0"));
}

TEST_F(NetworkChangesTest, OtherPeersTakeNothingFromThoseThatStay) {
  first().source = "b";
  changes_.OnEvents(SomeEvent());
  changes_.SetPeers({*Endpoint::Parse("192.0.2.1:853"), *Endpoint::Parse("192.0.2.3:853")});
  loop_.Advance(Milliseconds(100));
  EXPECT_THAT(seen_, ElementsAre("0"));
}

TEST_F(NetworkChangesTest, ALinkThatComesUpWhileAPeerMovesIsTold) {
  paths_["192.0.2.3"] = Path(3);
  Happens(LinkEvent(2, true, false));
  changes_.OnEvents(LinkEvent(2, false, true));
  changes_.SetPeers({*Endpoint::Parse("192.0.2.1:853"), *Endpoint::Parse("192.0.2.3:853")});
  loop_.Advance(Milliseconds(400));
  EXPECT_THAT(seen_, ElementsAre("0!", "0"));
}

TEST_F(NetworkChangesTest, ANewPeerIsKnownFromWhenItCame) {
  paths_["192.0.2.3"] = Path(4);
  changes_.SetPeers({*Endpoint::Parse("192.0.2.1:853"), *Endpoint::Parse("192.0.2.3:853")});
  Happens(SomeEvent());
  second().gateway = "g";  // Of one that is no peer any more.
  Happens(SomeEvent());
  EXPECT_THAT(seen_, IsEmpty());
  paths_["192.0.2.3"].gateway = "g";
  Happens(SomeEvent());
  EXPECT_THAT(seen_, ElementsAre("1"));
}

TEST_F(NetworkChangesTest, ANewPeerIsToldThatItsLinkIsDown) {
  Happens(LinkEvent(2, true, false));
  paths_["192.0.2.3"] = Path(2);  // The kernel still says that it is up; its event was newer.
  changes_.SetPeers({*Endpoint::Parse("192.0.2.1:853"), *Endpoint::Parse("192.0.2.3:853")});
  EXPECT_THAT(seen_, ElementsAre("0!"));  // Not within the call.
  loop_.Advance(Milliseconds(400));
  Happens(SomeEvent());
  Happens(LinkEvent(2, false, true));
  EXPECT_THAT(seen_, ElementsAre("0!", "1!", "01"));
}

TEST_F(NetworkChangesTest, ASleepWhileAPeerMovesIsTold) {
  changes_.OnWakeUp();
  suspended_time_ += Seconds(5);
  changes_.SetPeers({*Endpoint::Parse("192.0.2.3:853")});
  changes_.OnWakeUp();
  EXPECT_THAT(seen_, ElementsAre("suspended0"));
}

TEST_F(NetworkChangesTest, WhenNothingIsHeardAnyMoreNoNewPeersLinkIsDown) {
  changes_.OnEnd();
  paths_["192.0.2.3"] = Path(4);
  paths_["192.0.2.3"].link_up = false;
  changes_.SetPeers({*Endpoint::Parse("192.0.2.3:853")});
  EXPECT_EQ(loop_.armed_timer_count(), 0u);
  suspended_time_ += Seconds(5);
  changes_.OnWakeUp();
  EXPECT_THAT(seen_, ElementsAre("suspended0"));
}

}  // namespace
}  // namespace dotcache
