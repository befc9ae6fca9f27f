// SPDX-License-Identifier: Apache-2.0
#include "net/udp_socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <ifaddrs.h>

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "net/listen_socket.h"
#include "net/uv_loop.h"
#include "tests/support/udp_peer.h"

namespace dotcache {
namespace {

using ::testing::ElementsAre;

// Replies to each datagram with the same octets, at once or on request.
class Echo : public UdpSocket::Delegate {
 public:
  void OnDatagram(Bytes datagram, bool cut, const UdpPeer& peer) override {
    received.emplace_back(reinterpret_cast<const char*>(datagram.data()), datagram.size());
    cuts.push_back(cut);
    peers.push_back(peer);
    if (answer) Reply(received.size() - 1);
    if (on_datagram) on_datagram();
  }
  void Reply(size_t i) { ReplyTo(peers[i], received[i]); }
  void ReplyTo(const UdpPeer& peer, const std::string& text) {
    MutableBytes slot = socket->ReserveReply();
    ASSERT_EQ(slot.size(), UdpSocket::kMaxReply);
    std::memcpy(slot.data(), text.data(), text.size());
    socket->CommitReply(peer, text.size());
  }

  bool answer = true;
  UdpSocket* socket = nullptr;
  std::vector<std::string> received;
  std::vector<bool> cuts;
  std::vector<UdpPeer> peers;
  absl::AnyInvocable<void()> on_datagram;
};

using Client = TestUdpPeer;

// An address of this machine other than ::1 that needs no zone.
std::optional<std::string> SecondIpv6Address() {
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) return std::nullopt;
  std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(all, &freeifaddrs);
  for (const ifaddrs* i = all; i != nullptr; i = i->ifa_next) {
    if (i->ifa_addr == nullptr || i->ifa_addr->sa_family != AF_INET6) continue;
    const Endpoint endpoint = Endpoint::FromSockaddr(i->ifa_addr);
    if (!endpoint.is_loopback() && endpoint.zone() == 0) return endpoint.AddressToString();
  }
  return std::nullopt;
}

class UdpSocketTest : public ::testing::Test {
 protected:
  bool Open(absl::string_view endpoint) {
    absl::StatusOr<UniqueFd> fd = BindUdp(*Endpoint::Parse(endpoint));
    if (!fd.ok()) return false;
    OpenFd(*std::move(fd));
    return true;
  }
  void OpenFd(UniqueFd fd) {
    endpoint_ = LocalEndpoint(fd.get());
    absl::StatusOr<std::unique_ptr<UdpSocket>> socket =
        UdpSocket::Open(loop_, std::move(fd), echo_);
    ASSERT_TRUE(socket.ok()) << socket.status();
    socket_ = *std::move(socket);
    echo_.socket = socket_.get();
  }
  void RunUntilReceived(size_t count) {
    while (echo_.received.size() < count) loop_.RunOnce();
  }
  // Opens the socket and lets it receive a datagram of the client, without a reply.
  void OpenAndHear(Client& client) {
    Open("127.0.0.1:0");
    echo_.answer = false;
    client.Send("x", endpoint_);
    RunUntilReceived(1);
  }
  // Sends to `address` on the socket's port and expects the reply from there.
  void ExpectReplyFrom(absl::string_view address, absl::string_view client_address) {
    const Endpoint asked = *Endpoint::ParseAddress(address, endpoint_.port());
    Client client(client_address);
    const size_t before = echo_.received.size();
    client.Send("hello", asked);
    RunUntilReceived(before + 1);
    EXPECT_EQ(client.Receive(), "hello");
    EXPECT_EQ(client.from, asked);
  }

  UvLoop loop_;
  Echo echo_;
  Endpoint endpoint_;  // The endpoint of the socket.
  std::unique_ptr<UdpSocket> socket_;
};

TEST_F(UdpSocketTest, ReplyGoesBackToTheSender) {
  Open("127.0.0.1:0");
  ExpectReplyFrom("127.0.0.1", "127.0.0.1:0");
  EXPECT_FALSE(echo_.peers[0].local.has_value());
  EXPECT_FALSE(echo_.cuts[0]);
}

TEST_F(UdpSocketTest, WildcardSocketRepliesFromTheQueriedAddress) {
  Open("0.0.0.0:0");
  ExpectReplyFrom("127.0.0.2", "127.0.0.1:0");
  ExpectReplyFrom("127.0.0.1", "127.0.0.1:0");
  ExpectReplyFrom("127.3.4.5", "127.0.0.1:0");
  EXPECT_EQ(echo_.peers[0].local->AddressToString(), "127.0.0.2");
}

TEST_F(UdpSocketTest, WildcardIpv6SocketRepliesFromTheQueriedAddress) {
  if (!Open("[::]:0") || !BindUdp(*Endpoint::Parse("[::1]:0")).ok()) {
    GTEST_SKIP() << "this machine has no ::1";
  }
  ExpectReplyFrom("::1", "[::1]:0");
  EXPECT_TRUE(echo_.peers[0].local.has_value());
  EXPECT_EQ(echo_.peers[0].local->AddressToString(), "::1");
  EXPECT_NE(echo_.peers[0].local->zone(), 0u);

  // The test needs a second address, one that routing would not choose for a client at ::1.
  const std::optional<std::string> second = SecondIpv6Address();
  if (!second.has_value()) GTEST_SKIP() << "::1 is the only IPv6 address of this machine";
  ExpectReplyFrom(*second, "[::1]:0");
}

TEST_F(UdpSocketTest, LaterRepliesLeaveAtTheEndOfTheTurn) {
  Open("0.0.0.0:0");
  echo_.answer = false;
  Client client;
  const Endpoint asked = *Endpoint::ParseAddress("127.0.0.9", endpoint_.port());
  client.Send("later", asked);
  RunUntilReceived(1);
  auto timer = loop_.NewTimer([&] {
    echo_.Reply(0);
    echo_.Reply(0);
    EXPECT_TRUE(client.HasNothing());
  });
  timer->Start(Duration(0));
  loop_.RunOnce();
  EXPECT_EQ(client.Receive(), "later");
  EXPECT_EQ(client.Receive(), "later");
  EXPECT_EQ(client.from, asked);
}

TEST_F(UdpSocketTest, FloodIsReadInBatchesOverSeveralTurns) {
  Open("127.0.0.1:0");
  Client client;
  constexpr size_t kCount = UdpSocket::kBatch * 6;
  for (size_t i = 0; i < kCount; ++i) client.Send(absl::StrCat(i), endpoint_);
  size_t answered = 0;
  for (size_t expected : {size_t{UdpSocket::kBatch} * 4, kCount}) {
    loop_.RunOnce();
    EXPECT_EQ(echo_.received.size(), expected);
    for (; answered < expected; ++answered) EXPECT_EQ(client.Receive(), absl::StrCat(answered));
  }
  EXPECT_EQ(socket_->send_drops(), 0u);
}

TEST_F(UdpSocketTest, AllRepliesLeaveEvenBeyondTheNumberOfSlots) {
  Client client;
  OpenAndHear(client);
  for (int i = 0; i < UdpSocket::kBatch * 2 + 10; ++i) {
    echo_.ReplyTo(echo_.peers[0], absl::StrCat(i));
  }
  loop_.RunOnce();
  for (int i = 0; i < UdpSocket::kBatch * 2 + 10; ++i) EXPECT_EQ(client.Receive(), absl::StrCat(i));
}

TEST_F(UdpSocketTest, FailedDestinationDoesNotAffectOtherReplies) {
  Client client;
  OpenAndHear(client);
  UdpPeer no_port = echo_.peers[0];
  no_port.remote.set_port(0);
  UdpPeer foreign_source = echo_.peers[0];
  foreign_source.local = *Endpoint::Parse("198.51.100.7:0");
  UdpPeer wrong_family = echo_.peers[0];
  wrong_family.remote = *Endpoint::Parse("[::1]:53");
  echo_.ReplyTo(no_port, "lost");
  echo_.ReplyTo(echo_.peers[0], "first");
  echo_.ReplyTo(foreign_source, "lost");
  echo_.ReplyTo(wrong_family, "lost");
  echo_.ReplyTo(echo_.peers[0], "second");
  loop_.RunOnce();
  EXPECT_EQ(client.Receive(), "first");
  EXPECT_EQ(client.Receive(), "second");
  EXPECT_TRUE(client.HasNothing());
  EXPECT_EQ(socket_->send_drops(), 3u);
}

TEST_F(UdpSocketTest, DatagramOverTheLimitIsTruncatedAndMarked) {
  Open("127.0.0.1:0");
  echo_.answer = false;
  Client client;
  client.Send(std::string(UdpSocket::kMaxDatagram, 'a'), endpoint_);
  client.Send(std::string(UdpSocket::kMaxDatagram + 1, 'b'), endpoint_);
  client.Send(std::string(60'000, 'c'), endpoint_);
  client.Send("", endpoint_);
  client.Send("d", endpoint_);
  RunUntilReceived(5);
  EXPECT_THAT(echo_.cuts, ElementsAre(false, true, true, false, false));
  EXPECT_EQ(echo_.received[1], std::string(UdpSocket::kMaxDatagram, 'b'));
  EXPECT_EQ(echo_.received[2].size(), UdpSocket::kMaxDatagram);
  EXPECT_EQ(echo_.received[3], "");
  EXPECT_EQ(echo_.received[4], "d");
}

// Two sockets share an endpoint, as two workers or two processes do.
TEST_F(UdpSocketTest, AfterFinishReceivingAnotherSocketGetsTheDatagrams) {
  for (const char* address : {"127.0.0.1", "0.0.0.0"}) {
    Echo last;
    const Endpoint any = *Endpoint::ParseAddress(address, 0);
    Open(any.ToString());
    absl::StatusOr<UniqueFd> fd = BindUdp(endpoint_);
    ASSERT_TRUE(fd.ok()) << fd.status();
    const Endpoint asked = *Endpoint::ParseAddress("127.0.0.1", endpoint_.port());
    std::vector<std::unique_ptr<Client>> clients;
    constexpr size_t kClients = 32;  // So that the kernel chooses each socket for some.
    for (size_t i = 0; i < kClients; ++i) {
      clients.push_back(std::make_unique<Client>());
      clients.back()->Send("first", asked);
    }
    socket_->FinishReceiving();
    const size_t received = echo_.received.size();
    EXPECT_GT(received, 0u) << address;
    for (auto& client : clients) client->Send("second", asked);
    auto other = UdpSocket::Open(loop_, *std::move(fd), last);
    ASSERT_TRUE(other.ok()) << other.status();
    last.socket = other->get();
    while (echo_.received.size() + last.received.size() < 2 * kClients) loop_.RunOnce();
    EXPECT_EQ(echo_.received.size(), received) << address;
    for (auto& client : clients) {
      EXPECT_EQ(client->Receive(), "first") << address;
      EXPECT_EQ(client->Receive(), "second") << address;
      EXPECT_EQ(client->from, asked);
    }
    echo_.received.clear();
    echo_.peers.clear();
  }
}

TEST_F(UdpSocketTest, RepliesStillLeaveAfterStopReceiving) {
  Open("127.0.0.1:0");
  echo_.answer = false;
  echo_.on_datagram = [&] { socket_->StopReceiving(); };
  Client client;
  client.Send("first", endpoint_);
  client.Send("second", endpoint_);
  RunUntilReceived(1);
  for (int i = 0; i < 5; ++i) loop_.RunOnce();
  EXPECT_THAT(echo_.received, ElementsAre("first"));
  echo_.Reply(0);
  loop_.RunOnce();
  EXPECT_EQ(client.Receive(), "first");
}

TEST_F(UdpSocketTest, SocketStillReceivesAfterAnError) {
  // Only a connected socket receives ICMP errors. Here the peer's port is closed first and opens
  // later.
  absl::StatusOr<UniqueFd> peer = BindUdp(*Endpoint::Parse("127.0.0.1:0"));
  const Endpoint peer_endpoint = LocalEndpoint(peer->get());
  absl::StatusOr<UniqueFd> fd = BindUdp(*Endpoint::Parse("127.0.0.1:0"));
  ASSERT_EQ(connect(fd->get(), peer_endpoint.address(), peer_endpoint.address_size()), 0);
  const int raw = fd->get();
  OpenFd(*std::move(fd));
  peer->reset();
  ASSERT_EQ(send(raw, "x", 1, 0), 1);  // The reply is "port unreachable".
  for (int i = 0; i < 5; ++i) loop_.RunOnce();
  int error = 0;
  socklen_t size = sizeof error;
  ASSERT_EQ(getsockopt(raw, SOL_SOCKET, SO_ERROR, &error, &size), 0);
  EXPECT_EQ(error, 0) << "the error was not read";

  peer = BindUdp(peer_endpoint);
  ASSERT_TRUE(peer.ok()) << peer.status();
  ASSERT_EQ(sendto(peer->get(), "back", 4, 0, endpoint_.address(), endpoint_.address_size()), 4);
  RunUntilReceived(1);
  EXPECT_THAT(echo_.received, ElementsAre("back"));
}

TEST_F(UdpSocketTest, DestructionDropsQueuedReplies) {
  Client client;
  OpenAndHear(client);
  echo_.Reply(0);
  socket_.reset();
  loop_.RunOnce();
  EXPECT_TRUE(client.HasNothing());
}

TEST_F(UdpSocketTest, SeveralSocketsShareOneEndpoint) {
  Open("127.0.0.1:0");
  Echo other_echo;
  absl::StatusOr<UniqueFd> fd = BindUdp(endpoint_);
  std::unique_ptr<UdpSocket> other = *UdpSocket::Open(loop_, *std::move(fd), other_echo);
  other_echo.socket = other.get();
  constexpr size_t kClients = 64;
  std::vector<Client> clients(kClients);
  for (Client& client : clients) client.Send("x", endpoint_);
  while (echo_.received.size() + other_echo.received.size() < kClients) loop_.RunOnce();
  for (Client& client : clients) EXPECT_EQ(client.Receive(), "x");
  EXPECT_GT(echo_.received.size(), 0u);
  EXPECT_GT(other_echo.received.size(), 0u);
}

TEST_F(UdpSocketTest, InvalidDescriptorIsAnError) {
  absl::StatusOr<std::unique_ptr<UdpSocket>> socket = UdpSocket::Open(loop_, UniqueFd(), echo_);
  EXPECT_EQ(socket.status().code(), absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace dotcache
