// SPDX-License-Identifier: Apache-2.0
// What clients see of a whole server.

#include <deque>
#include <memory>
#include <mutex>
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

using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kName[] = "www.example.com";
constexpr Transport kTransports[] = {Transport::kUdp, Transport::kTcp, Transport::kDot};
constexpr Transport kStreams[] = {Transport::kTcp, Transport::kDot};

// A response with so many addresses.
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

TEST(ClientsTest, EveryTransportGetsTheAnswerAndUpstreamIsAskedOnce) {
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

TEST(ClientsTest, OneWorkersAnswerIsTheOthersHit) {
  LoopbackDotServer upstream;
  ServerOptions options = TestServerOptions({&upstream});
  options.workers = 2;
  RunningServer server(options);
  ASSERT_FALSE(server.Ask(Transport::kUdp, MakeQuery(kName, QType::kA)).empty());
  // The kernel spreads sockets over the workers by their ports.
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

TEST(ClientsTest, WhatIsTooBigForADatagramIsTruncatedThereAndWholeOnStreams) {
  LoopbackDotServer upstream({.handler = AnswerWithAddresses(500)});
  RunningServer server(TestServerOptions({&upstream}));
  const WireMessage query = MessageBuilder().Question(kName, QType::kA).Opt().Build();
  const auto cut = ParsedMessage::Parse(server.Ask(Transport::kUdp, query));
  EXPECT_TRUE(cut.Has(kFlagTc));
  EXPECT_THAT(cut.answer, IsEmpty());
  EXPECT_LE(cut.size, kOurUdpPayloadSize);
  for (const Transport transport : kStreams) {
    const auto whole = ParsedMessage::Parse(server.Ask(transport, query));
    EXPECT_FALSE(whole.Has(kFlagTc));
    EXPECT_EQ(whole.answer.size(), 500u);
  }
}

TEST(ClientsTest, AnAnswerThatFillsAStreamMessageIsRelayed) {
  LoopbackDotServer upstream({.handler = AnswerWithAddresses(4000)});
  RunningServer server(TestServerOptions({&upstream}));
  for (const Transport transport : kStreams) {
    const auto reply = ParsedMessage::Parse(server.Ask(transport, MakeQuery(kName, QType::kA)));
    EXPECT_EQ(reply.answer.size(), 4000u);
  }
}

TEST(ClientsTest, EdnsIsAnsweredWithOurOwn) {
  LoopbackDotServer upstream;
  RunningServer server(TestServerOptions({&upstream}));
  const RawOpt opt = {.udp_payload_size = 4096, .flags = kEdnsFlagDo, .options = {{65001, {1, 2}}}};
  for (const Transport transport : kTransports) {
    SCOPED_TRACE(TransportName(transport));
    const auto reply = ParsedMessage::Parse(
        server.Ask(transport, MessageBuilder().Question(kName, QType::kA).Opt(opt).Build()));
    EXPECT_TRUE(reply.has_edns);
    EXPECT_EQ(reply.udp_payload_size, kOurUdpPayloadSize);
    EXPECT_TRUE(reply.dnssec_ok);
    EXPECT_THAT(reply.options, IsEmpty());
    EXPECT_FALSE(ParsedMessage::Parse(server.Ask(transport, MakeQuery(kName, QType::kA))).has_edns);
  }
}

TEST(ClientsTest, PaddedDotQueriesGetPaddedReplies) {
  LoopbackDotServer upstream;
  RunningServer server(TestServerOptions({&upstream}));
  const RawOpt opt = {.options = {{static_cast<uint16_t>(EdnsOption::kPadding), {}}}};
  const WireMessage query = MessageBuilder().Question(kName, QType::kA).Opt(opt).Build();
  EXPECT_EQ(server.Ask(Transport::kDot, query).size() % kResponsePaddingBlock, 0u);
  EXPECT_LT(server.Ask(Transport::kTcp, query).size(), kResponsePaddingBlock);
}

TEST(ClientsTest, NothingOfTheClientButTheQuestionGoesUpstream) {
  LoopbackDotServer upstream;
  RunningServer server(TestServerOptions({&upstream}));
  const RawOpt opt = {
      .options = {{static_cast<uint16_t>(EdnsOption::kClientSubnet), {0, 1, 24, 0, 192, 0, 2}},
                  {static_cast<uint16_t>(EdnsOption::kCookie), {1, 2, 3, 4, 5, 6, 7, 8}},
                  {65001, {1}}}};
  server.Ask(Transport::kUdp,
             MessageBuilder().Question("WWW.Example.com", QType::kA).Opt(opt).Build());
  ASSERT_EQ(upstream.queries(), 1);
  const auto query = ParsedMessage::Parse(upstream.query_octets()[0]);
  EXPECT_EQ(query.size % kQueryPaddingBlock, 0u);
  EXPECT_EQ(query.question, "www.example.com. IN A");
  for (const auto& option : query.options) {
    EXPECT_THAT(static_cast<EdnsOption>(option.code),
                testing::AnyOf(EdnsOption::kPadding, EdnsOption::kTcpKeepalive));
  }
}

TEST(ClientsTest, BrokenQueriesGetTheirErrorAndNothingGoesUpstream) {
  LoopbackDotServer upstream;
  RunningServer server(TestServerOptions({&upstream}));
  const WireMessage two_questions =
      MessageBuilder().Question(kName, QType::kA).Question(kName, QType::kMx).Build();
  const WireMessage edns_1 =
      MessageBuilder().Question(kName, QType::kA).Opt({.version = 1}).Build();
  for (const Transport transport : kTransports) {
    SCOPED_TRACE(TransportName(transport));
    EXPECT_EQ(LoadHeader(server.Ask(transport, two_questions)).header_rcode(), Rcode::kFormErr);
    EXPECT_EQ(ParsedMessage::Parse(server.Ask(transport, edns_1)).rcode, Rcode::kBadVers);
    EXPECT_EQ(ParsedMessage::Parse(server.Ask(transport, MakeQuery(kName, QType::kAxfr))).rcode,
              Rcode::kNotImp);
  }
  EXPECT_EQ(upstream.queries(), 0);
}

TEST(ClientsTest, ADatagramThatGetsSilenceDoesNotStopTheNext) {
  LoopbackDotServer upstream;
  RunningServer server(TestServerOptions({&upstream}));
  const auto client = server.Connect(Transport::kUdp);
  client->Send(WireMessage(5, 0xff));
  client->Send(MakeResponse(kName, QType::kA, {}));
  const auto reply = client->Exchange(MakeQuery(kName, QType::kA, 0x4242));
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(LoadHeader(*reply).id, 0x4242);
}

TEST(ClientsTest, AnOversizedDatagramIsFormErr) {
  LoopbackDotServer upstream;
  RunningServer server(TestServerOptions({&upstream}));
  const WireMessage query =
      MessageBuilder().Question(kName, QType::kA).Raw(WireMessage(5000, 0)).Build();
  const WireMessage reply = server.Ask(Transport::kUdp, query);
  ASSERT_GE(reply.size(), kHeaderSize);
  EXPECT_EQ(LoadHeader(reply).header_rcode(), Rcode::kFormErr);
}

TEST(ClientsTest, AWildcardSocketRepliesFromTheAddressThatWasAsked) {
  LoopbackDotServer upstream;
  ServerOptions options = TestServerOptions({&upstream});
  options.listen = {{Transport::kUdp, *Endpoint::Parse("0.0.0.0:0"), false}};
  RunningServer server(options);
  const uint16_t port = server.endpoint(Transport::kUdp).port();
  for (const char* address : {"127.0.0.1", "127.0.0.2", "127.1.2.3"}) {
    // A connected socket hears nobody else.
    const auto client = DnsClient::Udp(*Endpoint::ParseAddress(address, port));
    EXPECT_TRUE(client->Exchange(MakeQuery(kName, QType::kA)).has_value()) << address;
  }
}

TEST(ClientsTest, Ipv6ClientsAreServed) {
  LoopbackDotServer upstream;
  ServerOptions options = TestServerOptions({&upstream});
  options.listen = {{Transport::kUdp, *Endpoint::Parse("[::]:0"), false},
                    {Transport::kTcp, *Endpoint::Parse("[::1]:0"), false}};
  if (!Server::Create(options).ok()) GTEST_SKIP() << "no IPv6 on this machine";
  RunningServer server(options);
  const uint16_t port = server.endpoint(Transport::kUdp).port();
  const auto udp = DnsClient::Udp(*Endpoint::ParseAddress("::1", port));
  EXPECT_TRUE(udp->Exchange(MakeQuery(kName, QType::kA)).has_value());
  EXPECT_FALSE(server.Ask(Transport::kTcp, MakeQuery(kName, QType::kA)).empty());
}

TEST(ClientsTest, ClientsOutsideTheListAreRefused) {
  LoopbackDotServer upstream;
  ServerOptions options = TestServerOptions({&upstream});
  options.allow_from = {*AddressPrefix::Parse("10.0.0.0/8")};
  RunningServer server(options);
  const auto reply = ParsedMessage::Parse(server.Ask(Transport::kUdp, MakeQuery(kName, QType::kA)));
  EXPECT_EQ(reply.rcode, Rcode::kRefused);
  // On a stream, before a TLS handshake was paid for.
  EXPECT_FALSE(server.Connect(Transport::kTcp)->Receive().has_value());
  EXPECT_EQ(server.Connect(Transport::kDot), nullptr);
  EXPECT_EQ(upstream.queries(), 0);
}

TEST(ClientsTest, LocalZonesAreAnsweredHereUnlessSwitchedOff) {
  LoopbackDotServer upstream;
  ServerOptions options = TestServerOptions({&upstream});
  {
    RunningServer server(options);
    const auto reply =
        ParsedMessage::Parse(server.Ask(Transport::kUdp, MakeQuery("localhost", QType::kA)));
    EXPECT_THAT(reply.answer, ElementsAre("localhost. 10800 IN A 127.0.0.1"));
    EXPECT_EQ(upstream.queries(), 0);
  }
  options.local_zones = false;
  RunningServer server(options);
  server.Ask(Transport::kUdp, MakeQuery("localhost", QType::kA));
  EXPECT_EQ(upstream.queries(), 1);
}

TEST(ClientsTest, AZoneWithServersOfItsOwnIsAskedThere) {
  LoopbackDotServer outside;
  LoopbackDotServer inside;
  ServerOptions options = TestServerOptions({&outside});
  UpstreamZoneOptions& zone = options.upstream.zones.emplace_back();
  zone.zone = *DomainName::FromText("corp.example");
  zone.servers = {OptionsFor(inside)};
  RunningServer server(options);
  server.Ask(Transport::kUdp, MakeQuery("host.corp.example", QType::kA));
  EXPECT_EQ(inside.queries(), 1);
  EXPECT_EQ(outside.queries(), 0);
  server.Ask(Transport::kUdp, MakeQuery(kName, QType::kA));
  EXPECT_EQ(inside.queries(), 1);
  EXPECT_EQ(outside.queries(), 1);
}

// Holds its answers back until it has so many queries, then gives them in reverse order.
class ReverseAnswers {
 public:
  explicit ReverseAnswers(size_t count) : count_(count) {}
  std::vector<DotAction> operator()(const DotQuery& query) {
    waiting_.push_front({.octets = AnswerTo(query.wire)});
    if (waiting_.size() < count_) return {};
    return {waiting_.begin(), waiting_.end()};
  }

 private:
  const size_t count_;
  std::deque<DotAction> waiting_;
};

TEST(ClientsTest, PipelinedQueriesAreAnsweredOutOfOrder) {
  for (const Transport transport : kStreams) {
    SCOPED_TRACE(TransportName(transport));
    LoopbackDotServer upstream({.handler = ReverseAnswers(3)});
    RunningServer server(TestServerOptions({&upstream}));
    const auto client = server.Connect(transport);
    ASSERT_NE(client, nullptr);
    for (uint16_t id = 1; id <= 3; ++id) {
      client->Send(MakeQuery(absl::StrCat("n", id, ".example.com"), QType::kA, id));
    }
    std::vector<uint16_t> ids;
    for (int i = 0; i < 3; ++i) {
      const auto reply = client->Receive();
      ASSERT_TRUE(reply.has_value());
      ids.push_back(LoadHeader(*reply).id);
    }
    EXPECT_THAT(ids, testing::UnorderedElementsAre(1, 2, 3));
    EXPECT_NE(ids.front(), 1);
  }
}

TEST(ClientsTest, AClientThatSaysNoMoreStillGetsASlowAnswer) {
  for (const Transport transport : kStreams) {
    SCOPED_TRACE(TransportName(transport));
    LoopbackDotServer upstream({.handler = [](const DotQuery& query) {
      return std::vector<DotAction>{{.octets = AnswerTo(query.wire), .delay = Milliseconds(300)}};
    }});
    RunningServer server(TestServerOptions({&upstream}));
    const auto client = server.Connect(transport);
    ASSERT_NE(client, nullptr);
    client->Send(MakeQuery(kName, QType::kA));
    client->FinishSending();
    EXPECT_TRUE(client->Receive().has_value());
    EXPECT_TRUE(client->ReceiveEnd());
  }
}

TEST(ClientsTest, AQueryInPiecesIsAnswered) {
  LoopbackDotServer upstream;
  RunningServer server(TestServerOptions({&upstream}));
  for (const Transport transport : kStreams) {
    const auto client = server.Connect(transport);
    ASSERT_NE(client, nullptr);
    const WireMessage query = MakeQuery(kName, QType::kA);
    const uint8_t prefix[] = {0, static_cast<uint8_t>(query.size())};
    for (const uint8_t octet : Concat({prefix, query})) client->SendOctets(Bytes(&octet, 1));
    EXPECT_TRUE(client->Receive().has_value());
  }
}

TEST(ClientsTest, AMessageTooShortForAHeaderEndsTheConnection) {
  LoopbackDotServer upstream;
  RunningServer server(TestServerOptions({&upstream}));
  for (const Transport transport : kStreams) {
    const auto client = server.Connect(transport);
    ASSERT_NE(client, nullptr);
    client->Send(WireMessage(11, 0));
    EXPECT_FALSE(client->Receive().has_value());
  }
  EXPECT_FALSE(server.Ask(Transport::kTcp, MakeQuery(kName, QType::kA)).empty());
}

TEST(ClientsTest, AnIdleConnectionIsClosed) {
  LoopbackDotServer upstream;
  ServerOptions options = TestServerOptions({&upstream});
  options.limits.stream_idle_timeout = Seconds(1);  // Handshakes take a part of it.
  RunningServer server(options);
  for (const Transport transport : kStreams) {
    const auto client = server.Connect(transport);
    ASSERT_NE(client, nullptr);
    EXPECT_FALSE(client->Receive().has_value());
  }
}

TEST(ClientsTest, AtTheLimitOfConnectionsTheLongestIdleMakesRoom) {
  LoopbackDotServer upstream;
  ServerOptions options = TestServerOptions({&upstream});
  options.limits.max_stream_connections = 2;
  RunningServer server(options);
  const auto first = server.Connect(Transport::kTcp);
  EXPECT_TRUE(first->Exchange(MakeQuery(kName, QType::kA)).has_value());
  const auto second = server.Connect(Transport::kTcp);
  EXPECT_TRUE(second->Exchange(MakeQuery(kName, QType::kA)).has_value());
  const auto third = server.Connect(Transport::kTcp);
  EXPECT_TRUE(third->Exchange(MakeQuery(kName, QType::kA)).has_value());
  EXPECT_FALSE(first->Receive().has_value());
  EXPECT_TRUE(second->Exchange(MakeQuery(kName, QType::kA)).has_value());
}

}  // namespace
}  // namespace dotcache
