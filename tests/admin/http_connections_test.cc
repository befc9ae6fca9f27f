// SPDX-License-Identifier: Apache-2.0
#include "admin/http_connections.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dotcache {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Endpoint At(absl::string_view address) { return *Endpoint::ParseAddress(address, 1); }

class HttpConnectionsTest : public testing::Test {
 protected:
  std::optional<int> Add(int socket, absl::string_view client) {
    return connections_.Add(socket, At(client), now_);
  }

  MonoTime now_ = MonoTime(Seconds(100));
  HttpConnections connections_{{.all = 6, .per_client = 3, .request_time = Seconds(10)}};
};

TEST_F(HttpConnectionsTest, TheOldestOfAClientAtItsLimitMakesRoom) {
  EXPECT_EQ(Add(9, "192.0.2.9"), std::nullopt);
  for (int socket = 1; socket <= 3; ++socket) EXPECT_EQ(Add(socket, "192.0.2.1"), std::nullopt);
  EXPECT_EQ(Add(4, "192.0.2.1"), 1);
  EXPECT_EQ(Add(5, "::ffff:192.0.2.1"), 2);
}

TEST_F(HttpConnectionsTest, TheClientWithMostMakesRoomForOthers) {
  Add(1, "192.0.2.1");
  Add(2, "192.0.2.2");
  Add(3, "192.0.2.2");
  for (int socket = 4; socket <= 6; ++socket) EXPECT_EQ(Add(socket, "192.0.2.3"), std::nullopt);
  EXPECT_EQ(Add(7, "192.0.2.4"), 4);
  // Two clients with two each: the one that waits longer.
  EXPECT_EQ(Add(8, "192.0.2.5"), 2);
}

TEST_F(HttpConnectionsTest, AClientIsAnIpv6NetworkOrALinkLocalAddress) {
  for (int socket = 1; socket <= 3; ++socket) Add(socket, "2001:db8::1");
  EXPECT_EQ(Add(4, "2001:db8:0:0:1::2"), 1);
  EXPECT_EQ(Add(5, "2001:db8:0:1::2"), std::nullopt);
  EXPECT_EQ(Add(6, "fe80::1"), std::nullopt);
  EXPECT_EQ(Add(7, "fe80::2"), std::nullopt);
  EXPECT_EQ(Add(8, "fe80::2"), 2) << "2001:db8::/64 has most connections";
}

TEST_F(HttpConnectionsTest, AFinishedRequestMovesAConnectionBehindTheOthers) {
  for (int socket = 1; socket <= 3; ++socket) Add(socket, "192.0.2.1");
  connections_.RequestDone(1, now_);
  EXPECT_EQ(Add(4, "192.0.2.1"), 2);
}

TEST_F(HttpConnectionsTest, ARequestHasAnAbsoluteTime) {
  EXPECT_EQ(connections_.NextDeadline(), std::nullopt);
  Add(1, "192.0.2.1");
  now_ += Seconds(4);
  Add(2, "192.0.2.1");
  now_ += Seconds(4);
  connections_.RequestDone(1, now_);
  EXPECT_EQ(connections_.NextDeadline(), MonoTime(Seconds(114)));
  EXPECT_THAT(connections_.TakeOverdue(MonoTime(Seconds(113))), IsEmpty());
  EXPECT_THAT(connections_.TakeOverdue(MonoTime(Seconds(114))), ElementsAre(2));
  EXPECT_THAT(connections_.TakeOverdue(MonoTime(Seconds(118))), ElementsAre(1));
  EXPECT_EQ(connections_.NextDeadline(), std::nullopt);
}

TEST_F(HttpConnectionsTest, AClosedConnectionLeavesItsPlace) {
  for (int socket = 1; socket <= 3; ++socket) Add(socket, "192.0.2.1");
  connections_.Remove(2);
  connections_.Remove(2);
  EXPECT_EQ(Add(4, "192.0.2.1"), std::nullopt);
}

}  // namespace
}  // namespace dotcache
