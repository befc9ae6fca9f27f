// SPDX-License-Identifier: Apache-2.0
// Tests a whole server from the clients' side.

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/message_builder.h"
#include "tests/support/parsed_message.h"
#include "tests/support/running_server.h"

namespace dotcache {
namespace {

constexpr char kName[] = "www.example.com";
constexpr Transport kTransports[] = {Transport::kUdp, Transport::kTcp, Transport::kDot};
constexpr Transport kStreams[] = {Transport::kTcp, Transport::kDot};

// Returns a response with `count` addresses.
DotHandler AnswerWithAddresses(int count) {
  return [count](const DotQuery& query) {
    const MessageHeader header = LoadHeader(query.wire);
    MessageBuilder builder;
    builder.Id(header.id).Response().Question(kName, QType::kA);
    for (int i = 0; i < count; ++i) {
      builder.Answer(ARecord(WireName::Pointer(kHeaderSize), 300,
                             absl::StrCat("192.0.", i / 256, ".", i % 256)));
    }
    return std::vector<DotAction>{{.octets = builder.Build()}};
  };
}

TEST(ClientsTest, EveryTransportIsAnsweredWithOneUpstreamQuery) {
  LoopbackDotServer upstream;
  RunningServer server(TestServerOptions({&upstream}));
  for (const Transport transport : kTransports) {
    SCOPED_TRACE(TransportName(transport));
    const auto reply = ParsedMessage::Parse(server.Ask(transport, MakeQuery(kName, QType::kA)));
    EXPECT_EQ(reply.header.id, 0x1234);
    EXPECT_EQ(reply.rcode, Rcode::kNoError);
    EXPECT_EQ(reply.answer.size(), 1u);
    EXPECT_TRUE(reply.Has(kFlagRa));
    EXPECT_FALSE(reply.Has(kFlagAa));
  }
  EXPECT_EQ(upstream.queries(), 1);
}

TEST(ClientsTest, ResponseOfOneWorkerIsACacheHitForTheOther) {
  LoopbackDotServer upstream;
  ServerOptions options = TestServerOptions({&upstream});
  options.workers = 2;
  RunningServer server(options);
  ASSERT_FALSE(server.Ask(Transport::kUdp, MakeQuery(kName, QType::kA)).empty());
  // The kernel assigns sockets to workers by their ports.
  for (int i = 0; i < 64; ++i) {
    ASSERT_FALSE(server.Ask(Transport::kUdp, MakeQuery(kName, QType::kA)).empty());
    ASSERT_FALSE(server.Ask(Transport::kTcp, MakeQuery(kName, QType::kA)).empty());
  }
  EXPECT_EQ(upstream.queries(), 1);
  for (int worker = 0; worker < 2; ++worker) {
    EXPECT_GT(server.server().worker_counters(worker).cache_hits.value(), 0u);
    EXPECT_GT(server.server().worker_counters(worker).stream_connections_total.value(), 0u);
  }
}

TEST(ClientsTest, LargestStreamMessageIsRelayed) {
  LoopbackDotServer upstream({.handler = AnswerWithAddresses(4000)});
  RunningServer server(TestServerOptions({&upstream}));
  for (const Transport transport : kStreams) {
    const auto reply = ParsedMessage::Parse(server.Ask(transport, MakeQuery(kName, QType::kA)));
    EXPECT_EQ(reply.answer.size(), 4000u);
  }
}

TEST(ClientsTest, ClientsOutsideTheAccessListAreRefused) {
  LoopbackDotServer upstream;
  ServerOptions options = TestServerOptions({&upstream});
  options.allow_from = {*AddressPrefix::Parse("10.0.0.0/8")};
  RunningServer server(options);
  const auto reply = ParsedMessage::Parse(server.Ask(Transport::kUdp, MakeQuery(kName, QType::kA)));
  EXPECT_EQ(reply.rcode, Rcode::kRefused);
  // A refused stream client is closed before the TLS handshake.
  EXPECT_FALSE(server.Connect(Transport::kTcp)->Receive().has_value());
  EXPECT_EQ(server.Connect(Transport::kDot), nullptr);
  EXPECT_EQ(upstream.queries(), 0);
}

TEST(ClientsTest, IdleConnectionIsClosed) {
  LoopbackDotServer upstream;
  ServerOptions options = TestServerOptions({&upstream});
  options.limits.stream_idle_timeout = Seconds(1);  // Long enough for the handshakes.
  RunningServer server(options);
  for (const Transport transport : kStreams) {
    const auto client = server.Connect(transport);
    ASSERT_NE(client, nullptr);
    EXPECT_FALSE(client->Receive().has_value());
  }
}

}  // namespace
}  // namespace dotcache
