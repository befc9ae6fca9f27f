// SPDX-License-Identifier: Apache-2.0
#include "net/udp_channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/functional/function_ref.h"
#include "net/listen_socket.h"
#include "net/uv_loop.h"

namespace dotcache {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Bytes OctetsOf(const std::string& text) {
  return Bytes(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

// A blocking socket on loopback that sends to given addresses.
class Peer {
 public:
  explicit Peer(const char* address = "127.0.0.1:0") : fd_(*BindUdp(*Endpoint::Parse(address))) {}

  Endpoint endpoint() const { return LocalEndpoint(fd_.get()); }
  void SendTo(const Endpoint& to, const std::string& text) {
    EXPECT_EQ(sendto(fd_.get(), text.data(), text.size(), 0, to.address(), to.address_size()),
              static_cast<ssize_t>(text.size()));
  }
  // The datagrams that have arrived. Loopback delivers inside the sender's call.
  std::string Receive() {
    char buffer[8192];
    sockaddr_storage address{};
    socklen_t address_size = sizeof address;
    const ssize_t size = recvfrom(fd_.get(), buffer, sizeof buffer, MSG_DONTWAIT,
                                  reinterpret_cast<sockaddr*>(&address), &address_size);
    if (size < 0) return "nothing";
    from = Endpoint::FromSockaddr(reinterpret_cast<const sockaddr*>(&address));
    return std::string(buffer, static_cast<size_t>(size));
  }

  Endpoint from;

 private:
  UniqueFd fd_;
};

class UdpChannelTest : public testing::Test, protected UdpChannel::Delegate {
 protected:
  void Open(const Endpoint& remote) {
    auto channel = UdpChannel::Open(loop_, remote, *this);
    ASSERT_TRUE(channel.ok()) << channel.status();
    channel_ = *std::move(channel);
  }

  bool RunUntil(absl::FunctionRef<bool()> done) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!done()) {
      if (std::chrono::steady_clock::now() > end) return false;
      loop_.RunOnce();
      std::this_thread::yield();
    }
    return true;
  }

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
  Peer peer;
  Open(peer.endpoint());
  channel_->Send(OctetsOf("question"));
  EXPECT_EQ(peer.Receive(), "question");
  EXPECT_EQ(peer.from, channel_->local_endpoint());
  const std::string large(4000, 'x');
  peer.SendTo(peer.from, "answer");
  peer.SendTo(peer.from, large);
  peer.SendTo(peer.from, "");
  EXPECT_TRUE(RunUntil([this] { return received_.size() == 3; }));
  EXPECT_THAT(received_, ElementsAre("answer", large, ""));
  EXPECT_THAT(errors_, IsEmpty());
}

TEST_F(UdpChannelTest, WorksOverIpv6) {
  Peer peer("[::1]:0");
  Open(peer.endpoint());
  channel_->Send(OctetsOf("six"));
  EXPECT_EQ(peer.Receive(), "six");
  peer.SendTo(peer.from, "seven");
  EXPECT_TRUE(RunUntil([this] { return !received_.empty(); }));
}

TEST_F(UdpChannelTest, ReceivesOnlyFromItsPeer) {
  Peer peer;
  Peer other_port;
  Peer other_address("127.0.0.2:0");
  Open(peer.endpoint());
  const Endpoint own = channel_->local_endpoint();
  other_port.SendTo(own, "forged");
  other_address.SendTo(own, "forged");
  peer.SendTo(own, "true");
  EXPECT_TRUE(RunUntil([this] { return !received_.empty(); }));
  EXPECT_THAT(received_, ElementsAre("true"));
}

TEST_F(UdpChannelTest, EachChannelHasItsOwnUnpredictablePort) {
  Peer peer;
  std::vector<std::unique_ptr<UdpChannel>> channels;
  std::set<int> ports;
  std::set<int> steps;
  int last = 0;
  for (int i = 0; i < 100; ++i) {
    channels.push_back(*UdpChannel::Open(loop_, peer.endpoint(), *this));
    const int port = channels.back()->local_endpoint().port();
    ports.insert(port);
    steps.insert(port - last);
    last = port;
  }
  EXPECT_EQ(ports.size(), 100u);
  EXPECT_GT(steps.size(), 80u);
}

TEST_F(UdpChannelTest, ReportsAClosedPort) {
  Endpoint nobody;
  {
    Peer peer;
    nobody = peer.endpoint();
  }
  Open(nobody);
  channel_->Send(OctetsOf("anybody?"));
  EXPECT_THAT(errors_, IsEmpty());  // Never reported inside the call.
  EXPECT_TRUE(RunUntil([this] { return !errors_.empty(); }));
  EXPECT_THAT(errors_, ElementsAre(StreamError::kConnectRefused));
  for (int i = 0; i < 10; ++i) loop_.RunOnce();
  EXPECT_EQ(errors_.size(), 1u);
}

TEST_F(UdpChannelTest, ReportsAFailedSendInALaterTurn) {
  Peer peer;
  Open(peer.endpoint());
  channel_->Send(Bytes(WireMessage(70000)));  // Longer than any datagram.
  EXPECT_THAT(errors_, IsEmpty());
  EXPECT_TRUE(RunUntil([this] { return !errors_.empty(); }));
  EXPECT_THAT(errors_, ElementsAre(StreamError::kConnectFailed));
}

TEST_F(UdpChannelTest, DestroyedChannelCallsNoDelegate) {
  Peer peer;
  Open(peer.endpoint());
  const Endpoint own = channel_->local_endpoint();
  close_in_callback_ = true;
  peer.SendTo(own, "one");
  peer.SendTo(own, "two");
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
