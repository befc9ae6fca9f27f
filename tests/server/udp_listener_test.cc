// SPDX-License-Identifier: Apache-2.0
#include "server/udp_listener.h"

#include <memory>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/listen_socket.h"
#include "net/uv_loop.h"
#include "tests/support/dns_client.h"
#include "tests/support/fake_exchanger.h"
#include "tests/support/message_builder.h"
#include "tests/support/parsed_message.h"

namespace dotcache {
namespace {

constexpr char kName[] = "www.example.com";

class UdpListenerTest : public testing::Test {
 protected:
  UdpListenerTest() {
    UniqueFd fd = *BindUdp(*Endpoint::Parse("127.0.0.1:0"));
    endpoint_ = LocalEndpoint(fd.get());
    listener_ = *UdpListener::Open(loop_, std::move(fd), /*number=*/0, counters_);
    handler_ = std::make_unique<QueryHandler>(QueryHandler::Environment{
        loop_, cache_, &exchanger_, access_, nullptr, counters_, limits_});
    listener_->Serve(*handler_);
  }

  uint64_t received() { return counters_.queries[static_cast<size_t>(Transport::kUdp)].value(); }
  void RunUntilReceived(uint64_t count) {
    while (received() < count) loop_.RunOnce();
  }
  void Answer(size_t call) {
    exchanger_.Respond(call, MakeResponse(kName, QType::kA, {ARecord(kName, 300, "192.0.2.1")}));
    loop_.RunOnce();
  }

  UvLoop loop_;
  CacheOptions cache_options_;
  ResponseCache cache_{cache_options_, HashSeed{1, 2}};
  FakeExchanger exchanger_;
  const AccessPolicy access_{PrivatePrefixes()};
  const ServerLimits limits_;
  WorkerCounters counters_;
  Endpoint endpoint_;
  std::unique_ptr<UdpListener> listener_;
  std::unique_ptr<QueryHandler> handler_;
};

TEST_F(UdpListenerTest, LaterReplyGoesToTheClientThatSentTheQuery) {
  const auto a = DnsClient::Udp(endpoint_);
  const auto b = DnsClient::Udp(endpoint_);
  a->Send(MakeQuery(kName, QType::kA, 1));
  b->Send(MakeQuery(kName, QType::kA, 2));
  RunUntilReceived(2);
  Answer(0);
  EXPECT_EQ(ParsedMessage::Parse(*a->Receive()).header.id, 1);
  EXPECT_EQ(ParsedMessage::Parse(*b->Receive()).header.id, 2);
}

TEST_F(UdpListenerTest, HitIsAnsweredInTheSameTurn) {
  const auto client = DnsClient::Udp(endpoint_);
  client->Send(MakeQuery(kName, QType::kA, 1));
  RunUntilReceived(1);
  Answer(0);
  client->Receive();
  client->Send(MakeQuery(kName, QType::kA, 2));
  RunUntilReceived(2);
  EXPECT_EQ(ParsedMessage::Parse(*client->Receive()).header.id, 2);
}

TEST_F(UdpListenerTest, AfterFinishReceivingTheLastRepliesAreStillSent) {
  const auto client = DnsClient::Udp(endpoint_);
  client->Send(MakeQuery(kName, QType::kA, 1));
  RunUntilReceived(1);
  const auto waiting = DnsClient::Udp(endpoint_);
  waiting->Send(MakeQuery(kName, QType::kA, 2));
  listener_->FinishReceiving();
  // The kernel tells this client that the port is closed.
  DnsClient::Udp(endpoint_)->Send(MakeQuery(kName, QType::kAaaa, 3));
  Answer(0);
  EXPECT_EQ(ParsedMessage::Parse(*client->Receive()).header.id, 1);
  EXPECT_EQ(ParsedMessage::Parse(*waiting->Receive()).header.id, 2);
  EXPECT_EQ(received(), 2u);
}

TEST_F(UdpListenerTest, AfterStopReceivingQueriesWaitInTheSocket) {
  const auto client = DnsClient::Udp(endpoint_);
  client->Send(MakeQuery(kName, QType::kA, 1));
  RunUntilReceived(1);
  listener_->StopReceiving();
  DnsClient::Udp(endpoint_)->Send(MakeQuery(kName, QType::kAaaa, 2));
  for (int i = 0; i < 5; ++i) loop_.RunOnce();
  EXPECT_EQ(received(), 1u);
  Answer(0);
  EXPECT_EQ(ParsedMessage::Parse(*client->Receive()).header.id, 1);
}

TEST_F(UdpListenerTest, DatagramThatIsTooLongIsNotServed) {
  const auto client = DnsClient::Udp(endpoint_);
  client->Send(MessageBuilder()
                   .Question(kName, QType::kA)
                   .Raw(WireMessage(UdpSocket::kMaxDatagram, 0))
                   .Build());
  RunUntilReceived(1);
  EXPECT_EQ(LoadHeader(*client->Receive()).header_rcode(), Rcode::kFormErr);
  EXPECT_THAT(exchanger_.calls(), testing::IsEmpty());
}

TEST_F(UdpListenerTest, EmptyReplyIsNotSent) {
  const auto client = DnsClient::Udp(endpoint_);
  client->Send(MakeQuery(kName, QType::kA, 1));
  RunUntilReceived(1);
  ReplyAddress self;
  self.client = endpoint_;  // A reply would come back to this socket.
  EXPECT_EQ(listener_->ReserveReply(self).size(), UdpSocket::kMaxReply);
  listener_->CommitReply(self, 0);
  Answer(0);
  EXPECT_TRUE(client->Receive().has_value());
  EXPECT_EQ(received(), 1u);
  EXPECT_EQ(counters_.udp_send_drops.value(), 0u);
}

}  // namespace
}  // namespace dotcache
