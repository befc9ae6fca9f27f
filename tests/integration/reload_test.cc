// SPDX-License-Identifier: Apache-2.0
// Tests that a running server takes over new rules and keeps everything else.

#include <fstream>
#include <thread>

#include "gtest/gtest.h"
#include "net/boot_clock.h"
#include "tests/support/message_builder.h"
#include "tests/support/parsed_message.h"
#include "tests/support/running_server.h"
#include "tests/support/test_directory.h"

namespace dotcache {
namespace {

constexpr char kName[] = "www.example.com";
constexpr char kLocal[] = "printer.example.net";
constexpr Transport kTransports[] = {Transport::kUdp, Transport::kTcp, Transport::kDot};

class ReloadTest : public testing::Test {
 protected:
  ServerOptions Options() {
    ServerOptions options = TestServerOptions({&upstream_});
    options.workers = 2;
    return options;
  }
  static ParsedMessage Ask(const RunningServer& server, Transport transport, const char* name) {
    return ParsedMessage::Parse(server.Ask(transport, MakeQuery(name, QType::kA)));
  }
  // A worker takes over a reload in its next turn, and a query that comes meanwhile may have the
  // rules from before.
  template <typename Condition>
  static bool WaitUntil(Condition condition) {
    const MonoTime end = BootTime() + Seconds(60);
    while (!condition()) {
      if (BootTime() > end) return false;
    }
    return true;
  }
  LoopbackDotServer upstream_;
};

TEST_F(ReloadTest, RecordsAccessAndIdentityChangeOnEveryTransport) {
  ServerOptions options = Options();
  RunningServer server(options);
  EXPECT_EQ(Ask(server, Transport::kUdp, kName).rcode, Rcode::kNoError);
  options.local_data.records = {"printer.example.net. 300 IN A 192.0.2.7"};
  ASSERT_TRUE(server.server().Reload(options).ok());
  for (const Transport transport : kTransports) {
    EXPECT_TRUE(WaitUntil([&] { return Ask(server, transport, kLocal).answer.size() == 1; }));
  }
  EXPECT_EQ(server.server().local_record_count(), 1u);
  options.allow_from = {*AddressPrefix::Parse("192.0.2.0/24")};
  ASSERT_TRUE(server.server().Reload(options).ok());
  EXPECT_TRUE(
      WaitUntil([&] { return Ask(server, Transport::kUdp, kName).rcode == Rcode::kRefused; }));
  EXPECT_TRUE(WaitUntil([&] {
    const auto client = server.Connect(Transport::kTcp);
    return client != nullptr && client->ReceiveEnd();
  }));
}

TEST_F(ReloadTest, CacheAndConnectionsAreKept) {
  ServerOptions options = Options();
  RunningServer server(options);
  const auto client = server.Connect(Transport::kDot);
  EXPECT_TRUE(client->Exchange(MakeQuery(kName, QType::kA)).has_value());
  const int queries = upstream_.queries();
  const int handshakes = upstream_.handshakes();
  options.limits.query_timeout = Milliseconds(900);
  ASSERT_TRUE(server.server().Reload(options).ok());
  EXPECT_TRUE(client->Exchange(MakeQuery(kName, QType::kA)).has_value());
  EXPECT_EQ(upstream_.queries(), queries);
  EXPECT_TRUE(client->Exchange(MakeQuery("new.example.com", QType::kA)).has_value());
  EXPECT_EQ(upstream_.handshakes(), handshakes);
}

TEST_F(ReloadTest, AnErrorChangesNothing) {
  ServerOptions options = Options();
  options.local_data.records = {"printer.example.net. 300 IN A 192.0.2.7"};
  RunningServer server(options);
  options.local_data.records = {"printer.example.net. 300 IN A 192.0.2.8", "no record"};
  EXPECT_FALSE(server.server().Reload(options).ok());
  EXPECT_EQ(Ask(server, Transport::kUdp, kLocal).answer.size(), 1u);
  EXPECT_EQ(server.server().local_record_count(), 1u);
}

TEST_F(ReloadTest, QueryThatWaitsIsAnsweredAfterManyReloads) {
  upstream_.SetHandler([](const DotQuery& query) {
    return std::vector<DotAction>{{.octets = AnswerTo(query.wire), .delay = Milliseconds(100)}};
  });
  ServerOptions options = Options();
  RunningServer server(options);
  const auto client = server.Connect(Transport::kTcp);
  client->Send(MakeQuery(kName, QType::kA));
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(server.server().Reload(options).ok());
  const auto reply = client->Receive();
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(ParsedMessage::Parse(*reply).answer.size(), 1u);
}

// The exchange began at the zone's former server and ends after the reload, so its answer is
// stored.
TEST_F(ReloadTest, AnswerOfAFormerServerOfTheZoneDoesNotStay) {
  LoopbackDotServer former;
  former.SetHandler([](const DotQuery& query) {
    return std::vector<DotAction>{{.octets = AnswerTo(query.wire), .delay = Milliseconds(300)}};
  });
  ServerOptions options = Options();
  options.limits.query_timeout = Milliseconds(900);
  options.limits.tuning.exchange_timeout = Seconds(1);
  UpstreamZoneOptions& zone = options.upstream.zones.emplace_back();
  zone.zone = *DomainName::FromText("example.com");
  zone.servers = TestServerOptions({&former}).upstream.zones[0].servers;
  RunningServer server(options);
  const auto client = server.Connect(Transport::kTcp);
  client->Send(MakeQuery(kName, QType::kA));
  while (former.queries() == 0) std::this_thread::yield();
  options.upstream.zones[1].servers = options.upstream.zones[0].servers;
  ASSERT_TRUE(server.server().Reload(options).ok());
  EXPECT_TRUE(client->Receive().has_value());
  const MonoTime end = BootTime() + Seconds(20);
  while (upstream_.queries() == 0 && BootTime() < end) {
    server.server().ReloadCredentials();  // The service does so each second.
    Ask(server, Transport::kUdp, kName);
  }
  EXPECT_EQ(upstream_.queries(), 1);
  EXPECT_EQ(former.queries(), 1);
}

}  // namespace
}  // namespace dotcache
