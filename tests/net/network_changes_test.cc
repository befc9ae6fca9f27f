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

TEST_F(NetworkChangesTest, EventsOfOtherRoutesAndLinksAreIgnored) {
  Happens(SomeEvent());
  Happens(LinkEvent(99, true, false));  // The link of a container vanishes.
  Happens(LinkEvent(2, false, true));   // An event without a change.
  EXPECT_THAT(seen_, IsEmpty());
}

TEST_F(NetworkChangesTest, ReportsThePeerWhosePathChanged) {
  first().source = "b";
  Happens(SomeEvent());
  second().gateway = "g";
  Happens(SomeEvent());
  first().interface = 4;
  Happens(SomeEvent());
  Happens(SomeEvent());  // No change.
  EXPECT_THAT(seen_, ElementsAre("0", "1", "0"));
}

TEST_F(NetworkChangesTest, PathThatVanishesAndReturnsIsTwoChanges) {
  const NetworkPath before = first();
  first() = NetworkPath();
  Happens(SomeEvent());
  first() = before;
  Happens(SomeEvent());
  EXPECT_THAT(seen_, ElementsAre("0", "0"));
}

TEST_F(NetworkChangesTest, LinkThatWasBrieflyDownIsAChange) {
  Happens(LinkEvent(2, true, true));
  EXPECT_THAT(seen_, ElementsAre("0"));
}

TEST_F(NetworkChangesTest, LinkIsReportedDownUntilItHasACarrierAgain) {
  first().link_up = false;  // The result of a lookup, which is late.
  Happens(LinkEvent(2, true, false));
  Happens(SomeEvent());
  Happens(LinkEvent(2, false, true));
  Happens(SomeEvent());  // The lookup still reports "down"; the event is newer.
  EXPECT_THAT(seen_, ElementsAre("0!", "0"));
}

TEST_F(NetworkChangesTest, LostEventsConcernEveryLink) {
  NetworkEvents lost;
  lost.lost = true;
  Happens(lost);
  EXPECT_THAT(seen_, ElementsAre("01"));
}

TEST_F(NetworkChangesTest, BurstOfEventsIsOneChange) {
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

TEST_F(NetworkChangesTest, ChangesAreAtLeast300MillisecondsApart) {
  for (int i = 0; i < 60; ++i) {  // A link flaps for three seconds.
    first().source += "x";
    changes_.OnEvents(SomeEvent());
    loop_.Advance(Milliseconds(50));
  }
  EXPECT_EQ(seen_.size(), 10u);
}

TEST_F(NetworkChangesTest, SuspendConcernsAllPeersAtOnce) {
  suspended_time_ += Seconds(1);
  changes_.OnWakeUp();
  EXPECT_THAT(seen_, ElementsAre("suspended01"));
  changes_.OnWakeUp();
  EXPECT_EQ(seen_.size(), 1u);
}

TEST_F(NetworkChangesTest, SettingTheClockIsNotASuspend) {
  suspended_time_ += Milliseconds(999);
  changes_.OnWakeUp();
  changes_.OnEvents({});
  EXPECT_THAT(seen_, IsEmpty());
}

TEST_F(NetworkChangesTest, AnyEventRevealsASuspend) {
  suspended_time_ += std::chrono::hours(8);
  second().link_up = false;
  changes_.OnEvents(SomeEvent());
  EXPECT_THAT(seen_, ElementsAre("suspended01!"));
}

TEST_F(NetworkChangesTest, LinksCountAsUpAfterTheEndOfEvents) {
  Happens(LinkEvent(2, true, false));
  changes_.OnEvents(SomeEvent());
  changes_.OnEnd();
  loop_.Advance(Seconds(1));
  EXPECT_THAT(seen_, ElementsAre("0!", "0"));
}

TEST_F(NetworkChangesTest, PeerThatStaysKeepsItsPendingChange) {
  first().source = "b";
  changes_.OnEvents(SomeEvent());
  changes_.SetPeers({*Endpoint::Parse("192.0.2.1:853"), *Endpoint::Parse("192.0.2.3:853")});
  loop_.Advance(Milliseconds(100));
  EXPECT_THAT(seen_, ElementsAre("0"));
}

TEST_F(NetworkChangesTest, LinkThatComesUpWhilePeersAreReplacedIsReported) {
  paths_["192.0.2.3"] = Path(3);
  Happens(LinkEvent(2, true, false));
  changes_.OnEvents(LinkEvent(2, false, true));
  changes_.SetPeers({*Endpoint::Parse("192.0.2.1:853"), *Endpoint::Parse("192.0.2.3:853")});
  loop_.Advance(Milliseconds(400));
  EXPECT_THAT(seen_, ElementsAre("0!", "0"));
}

TEST_F(NetworkChangesTest, NewPeerIsComparedWithItsPathWhenAdded) {
  paths_["192.0.2.3"] = Path(4);
  changes_.SetPeers({*Endpoint::Parse("192.0.2.1:853"), *Endpoint::Parse("192.0.2.3:853")});
  Happens(SomeEvent());
  second().gateway = "g";  // This endpoint is no longer a peer.
  Happens(SomeEvent());
  EXPECT_THAT(seen_, IsEmpty());
  paths_["192.0.2.3"].gateway = "g";
  Happens(SomeEvent());
  EXPECT_THAT(seen_, ElementsAre("1"));
}

TEST_F(NetworkChangesTest, NewPeerWithADownLinkIsReported) {
  Happens(LinkEvent(2, true, false));
  paths_["192.0.2.3"] = Path(2);  // The lookup still reports "up"; the event is newer.
  changes_.SetPeers({*Endpoint::Parse("192.0.2.1:853"), *Endpoint::Parse("192.0.2.3:853")});
  EXPECT_THAT(seen_, ElementsAre("0!"));  // Not reported inside the call.
  loop_.Advance(Milliseconds(400));
  Happens(SomeEvent());
  Happens(LinkEvent(2, false, true));
  EXPECT_THAT(seen_, ElementsAre("0!", "1!", "01"));
}

TEST_F(NetworkChangesTest, SuspendWhilePeersAreReplacedIsReported) {
  changes_.OnWakeUp();
  suspended_time_ += Seconds(5);
  changes_.SetPeers({*Endpoint::Parse("192.0.2.3:853")});
  changes_.OnWakeUp();
  EXPECT_THAT(seen_, ElementsAre("suspended0"));
}

TEST_F(NetworkChangesTest, LinksOfNewPeersCountAsUpAfterTheEndOfEvents) {
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
