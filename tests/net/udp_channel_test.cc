// SPDX-License-Identifier: Apache-2.0
#include "net/udp_channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "net/listen_socket.h"
#include "net/uv_loop.h"
#include "tests/support/octets.h"
#include "tests/support/run_loop.h"
#include "tests/support/udp_peer.h"

namespace dotcache {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// The endpoint of the channel, as its peer sees it.
Endpoint EndpointOf(UdpChannel& channel, TestUdpPeer& peer) {
  channel.Send(AsBytes("hello"));
  EXPECT_EQ(peer.Receive(), "hello");
  return peer.from;
}

class UdpChannelTest : public testing::Test, protected UdpChannel::Delegate {
 protected:
  void Open(const Endpoint& remote) {
    auto channel = UdpChannel::Open(loop_, remote, *this);
    ASSERT_TRUE(channel.ok()) << channel.status();
    channel_ = *std::move(channel);
  }

  bool RunUntil(absl::FunctionRef<bool()> done) { return RunLoopUntil(loop_, done); }

  void OnDatagram(Bytes datagram) override {
    received_.emplace_back(datagram.begin(), datagram.end());
    if (close_in_callback_) loop_.DeferDelete(std::move(channel_));
  }
  void OnChannelError(StreamError error) override { errors_.push_back(error); }

  UvLoop loop_;
  std::unique_ptr<UdpChannel> channel_;
  std::vector<std::string> received_;
  std::vector<StreamError> errors_;
  bool close_in_callback_ = false;
};

TEST_F(UdpChannelTest, SendsAndReceivesWholeDatagrams) {
  TestUdpPeer peer;
  Open(peer.endpoint());
  channel_->Send(AsBytes("question"));
  EXPECT_EQ(peer.Receive(), "question");
  const std::string large(4000, 'x');
  peer.Send("answer", peer.from);
  peer.Send(large, peer.from);
  peer.Send("", peer.from);
  EXPECT_TRUE(RunUntil([this] { return received_.size() == 3; }));
  EXPECT_THAT(received_, ElementsAre("answer", large, ""));
  EXPECT_THAT(errors_, IsEmpty());
}

TEST_F(UdpChannelTest, WorksOverIpv6) {
  if (!BindUdp(*Endpoint::Parse("[::1]:0")).ok()) GTEST_SKIP() << "this machine has no ::1";
  TestUdpPeer peer("[::1]:0");
  Open(peer.endpoint());
  channel_->Send(AsBytes("six"));
  EXPECT_EQ(peer.Receive(), "six");
  peer.Send("seven", peer.from);
  EXPECT_TRUE(RunUntil([this] { return !received_.empty(); }));
}

TEST_F(UdpChannelTest, ReceivesOnlyFromItsPeer) {
  TestUdpPeer peer;
  TestUdpPeer other_port;
  TestUdpPeer other_address("127.0.0.2:0");
  Open(peer.endpoint());
  const Endpoint own = EndpointOf(*channel_, peer);
  other_port.Send("forged", own);
  other_address.Send("forged", own);
  peer.Send("true", own);
  EXPECT_TRUE(RunUntil([this] { return !received_.empty(); }));
  EXPECT_THAT(received_, ElementsAre("true"));
}

TEST_F(UdpChannelTest, EachChannelHasItsOwnUnpredictablePort) {
  TestUdpPeer peer;
  std::vector<std::unique_ptr<UdpChannel>> channels;
  std::set<int> ports;
  std::set<int> steps;
  int last = 0;
  for (int i = 0; i < 100; ++i) {
    channels.push_back(*UdpChannel::Open(loop_, peer.endpoint(), *this));
    const int port = EndpointOf(*channels.back(), peer).port();
    ports.insert(port);
    steps.insert(port - last);
    last = port;
  }
  EXPECT_EQ(ports.size(), 100u);
  EXPECT_GT(steps.size(), 80u);
}

TEST_F(UdpChannelTest, ReportsAClosedPort) {
  TestUdpPeer of_another;
  of_another.Connect(*Endpoint::Parse("127.0.0.1:9"));
  Open(of_another.endpoint());
  channel_->Send(AsBytes("anybody?"));
  EXPECT_THAT(errors_, IsEmpty());  // Never reported inside the call.
  EXPECT_TRUE(RunUntil([this] { return !errors_.empty(); }));
  EXPECT_THAT(errors_, ElementsAre(StreamError::kConnectRefused));
  for (int i = 0; i < 10; ++i) loop_.RunOnce();
  EXPECT_EQ(errors_.size(), 1u);
}

TEST_F(UdpChannelTest, ReportsAFailedSendInALaterTurn) {
  TestUdpPeer peer;
  Open(peer.endpoint());
  channel_->Send(Bytes(WireMessage(70000)));  // Longer than any datagram.
  EXPECT_THAT(errors_, IsEmpty());
  EXPECT_TRUE(RunUntil([this] { return !errors_.empty(); }));
  EXPECT_THAT(errors_, ElementsAre(StreamError::kConnectFailed));
}

TEST_F(UdpChannelTest, DestroyedChannelCallsNoDelegate) {
  TestUdpPeer peer;
  Open(peer.endpoint());
  const Endpoint own = EndpointOf(*channel_, peer);
  close_in_callback_ = true;
  peer.Send("one", own);
  peer.Send("two", own);
  EXPECT_TRUE(RunUntil([this] { return channel_ == nullptr; }));
  for (int i = 0; i < 10; ++i) loop_.RunOnce();
  EXPECT_THAT(received_, ElementsAre("one"));
}

TEST_F(UdpChannelTest, OpenReportsAMissingRoute) {
  // Without an interface, an IPv6 socket has no route to a multicast address.
  const auto channel = UdpChannel::Open(loop_, *Endpoint::Parse("[ff02::1]:53"), *this);
  ASSERT_FALSE(channel.ok());
  EXPECT_TRUE(absl::IsUnavailable(channel.status())) << channel.status();
}

}  // namespace
}  // namespace dotcache
