// SPDX-License-Identifier: Apache-2.0
// Tests that each name has one home among several workers.

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
constexpr int kWorkers = 4;
constexpr Transport kTransports[] = {Transport::kUdp, Transport::kTcp, Transport::kDot};
// Enough clients that the kernel gives each worker some of them.
constexpr int kClientsOfATransport = 24;

DotHandler AnswerAfter(Milliseconds delay) {
  return [delay](const DotQuery& query) {
    return std::vector<DotAction>{{.octets = AnswerTo(query.wire), .delay = delay}};
  };
}

DotHandler Fail() {
  return [](const DotQuery& query) {
    return std::vector<DotAction>{{.octets = ErrorTo(query.wire, Rcode::kServFail)}};
  };
}

ServerOptions FourWorkers(const LoopbackDotServer& upstream) {
  ServerOptions options = TestServerOptions({&upstream});
  options.workers = kWorkers;
  return options;
}

uint64_t Total(RunningServer& server, Counter WorkerCounters::*counter) {
  uint64_t sum = 0;
  for (int i = 0; i < kWorkers; ++i) {
    sum += (server.server().worker_counters(i).*counter).value();
  }
  return sum;
}

uint64_t TotalAtLimit(RunningServer& server, Limit limit) {
  uint64_t sum = 0;
  for (int i = 0; i < kWorkers; ++i) {
    const auto& limits = server.server().worker_counters(i).limit_rejections;
    sum += limits[static_cast<size_t>(limit)].value();
  }
  return sum;
}

std::vector<std::unique_ptr<DnsClient>> Clients(const RunningServer& server, Transport transport,
                                                int count = kClientsOfATransport) {
  std::vector<std::unique_ptr<DnsClient>> clients;
  for (int i = 0; i < count; ++i) {
    clients.push_back(server.Connect(transport));
    EXPECT_NE(clients.back(), nullptr);
  }
  return clients;
}

std::string NameOf(int i) { return absl::StrCat("n", i, ".example.com"); }

TEST(OneHomeTest, AThousandEqualMissesAreOneUpstreamQuery) {
  constexpr int kQueries = 1000;
  LoopbackDotServer upstream({.handler = AnswerAfter(Milliseconds(300))});
  RunningServer server(FourWorkers(upstream));
  std::vector<std::unique_ptr<DnsClient>> clients;
  for (const Transport transport : kTransports) {
    for (auto& client : Clients(server, transport)) clients.push_back(std::move(client));
  }
  for (int i = 0; i < kQueries; ++i) {
    const WireMessage query =
        MessageBuilder().Id(static_cast<uint16_t>(i)).Question(kName, QType::kA).Build();
    clients[static_cast<size_t>(i) % clients.size()]->Send(query);
  }
  for (int i = 0; i < kQueries; ++i) {
    const auto reply = clients[static_cast<size_t>(i) % clients.size()]->Receive();
    ASSERT_TRUE(reply.has_value());
    ASSERT_EQ(ParsedMessage::Parse(*reply).answer.size(), 1u);
  }
  // A single server that does not respond within its usual time gets the query again.
  EXPECT_LE(upstream.queries(), 2);
  EXPECT_EQ(upstream.connections(), 1);
  // Every worker received some of them, and handed them over.
  for (int i = 0; i < kWorkers; ++i) {
    const WorkerCounters& counters = server.server().worker_counters(i);
    EXPECT_GT(counters.cache_misses.value() + counters.cache_hits.value(), 0u) << i;
  }
  EXPECT_EQ(server.server().worker_counters(0).handed_queries.value(), 0u);
  EXPECT_GT(Total(server, &WorkerCounters::handed_queries), 0u);
  EXPECT_EQ(
      Total(server, &WorkerCounters::cache_misses) + Total(server, &WorkerCounters::cache_hits),
      static_cast<uint64_t>(kQueries));
  uint64_t replies = 0;
  for (int i = 0; i < kWorkers; ++i) {
    replies += server.server().worker_counters(i).Replies(Rcode::kNoError);
  }
  EXPECT_EQ(replies, static_cast<uint64_t>(kQueries));
}

TEST(OneHomeTest, OneConnectionServesTheMissesOfAllWorkers) {
  LoopbackDotServer upstream;
  RunningServer server(FourWorkers(upstream));
  int name = 0;
  for (const Transport transport : kTransports) {
    for (const auto& client : Clients(server, transport)) {
      const auto reply = client->Exchange(MakeQuery(NameOf(++name), QType::kA));
      ASSERT_TRUE(reply.has_value());
      EXPECT_EQ(ParsedMessage::Parse(*reply).answer.size(), 1u);
    }
  }
  EXPECT_GT(Total(server, &WorkerCounters::handed_queries), 0u);
  EXPECT_EQ(upstream.connections(), 1);
}

TEST(OneHomeTest, EachUpstreamWorkerHasAConnectionAndNoOtherWorker) {
  LoopbackDotServer upstream;
  ServerOptions options = FourWorkers(upstream);
  options.upstream_workers = 2;
  RunningServer server(options);
  int name = 0;
  for (const auto& client : Clients(server, Transport::kUdp)) {
    ASSERT_TRUE(client->Exchange(MakeQuery(NameOf(++name), QType::kA)).has_value());
  }
  EXPECT_EQ(upstream.connections(), 2);
  EXPECT_GT(server.server().upstreams()->CountersOf(0, 0).queries.value(), 0u);
  EXPECT_GT(server.server().upstreams()->CountersOf(1, 0).queries.value(), 0u);
  EXPECT_TRUE(server.server().Explain(*DomainName::FromText(NameOf(1))).has_value());
  EXPECT_TRUE(server.server().Explain(*DomainName::FromText(NameOf(2))).has_value());
}

TEST(OneHomeTest, ReplyComesFromTheAddressThatReceivedTheQuery) {
  LoopbackDotServer upstream;
  ServerOptions options = FourWorkers(upstream);
  options.listen = {{Transport::kUdp, *Endpoint::Parse("0.0.0.0:0"), /*optional=*/false}};
  RunningServer server(options);
  Endpoint local = *Endpoint::ParseAddress("127.0.0.2", 0);
  local.set_port(server.endpoint(Transport::kUdp).port());
  for (int i = 0; i < kClientsOfATransport; ++i) {
    // A connected socket drops datagrams from other addresses.
    const auto reply = DnsClient::Udp(local)->Exchange(MakeQuery(NameOf(i), QType::kA));
    ASSERT_TRUE(reply.has_value());
  }
  EXPECT_GT(Total(server, &WorkerCounters::handed_queries), 0u);
}

// RFC 9520 section 3.1: at most three queries to a server for a name that fails.
TEST(OneHomeTest, FailingNameIsQueriedThreeTimesAtMost) {
  LoopbackDotServer upstream({.handler = Fail()});
  RunningServer server(FourWorkers(upstream));
  auto clients = Clients(server, Transport::kUdp, 100);
  for (const auto& client : clients) client->Send(MakeQuery(kName, QType::kA));
  for (const auto& client : clients) {
    const auto reply = client->Receive();
    ASSERT_TRUE(reply.has_value());
    EXPECT_EQ(ParsedMessage::Parse(*reply).rcode, Rcode::kServFail);
  }
  EXPECT_GT(Total(server, &WorkerCounters::handed_queries), 0u);
  EXPECT_LE(upstream.queries(), 3);
}

TEST(OneHomeTest, FullQueueIsAnsweredWithServFail) {
  LoopbackDotServer upstream;
  ServerOptions options = FourWorkers(upstream);
  options.limits.tuning.max_handed_queries = 0;
  RunningServer server(options);
  uint64_t failed = 0;
  int name = 0;
  for (const Transport transport : kTransports) {
    for (const auto& client : Clients(server, transport)) {
      const auto reply = client->Exchange(MakeQuery(NameOf(++name), QType::kA));
      ASSERT_TRUE(reply.has_value());
      if (ParsedMessage::Parse(*reply).rcode == Rcode::kServFail) ++failed;
    }
  }
  EXPECT_GT(failed, 0u);
  EXPECT_EQ(TotalAtLimit(server, Limit::kHandOff), failed);
  EXPECT_EQ(Total(server, &WorkerCounters::handed_queries), 0u);
}

TEST(OneHomeTest, StreamClientMayCloseWhileItsMissIsAtTheOwner) {
  LoopbackDotServer upstream({.handler = AnswerAfter(Milliseconds(200))});
  RunningServer server(FourWorkers(upstream));
  for (const Transport transport : {Transport::kTcp, Transport::kDot}) {
    auto clients = Clients(server, transport);
    for (size_t i = 0; i < clients.size(); ++i) {
      clients[i]->Send(MakeQuery(NameOf(static_cast<int>(i)), QType::kA));
    }
    EXPECT_TRUE(upstream.WaitForQueries(static_cast<int>(clients.size())));
    clients.clear();
    const auto reply = server.Ask(transport, MakeQuery(kName, QType::kA));
    EXPECT_EQ(ParsedMessage::Parse(reply).answer.size(), 1u);
  }
  EXPECT_GT(Total(server, &WorkerCounters::handed_queries), 0u);
}

TEST(OneHomeTest, ServerMayEndWhileMissesAreAtTheOwner) {
  LoopbackDotServer upstream({.handler = [](const DotQuery&) { return std::vector<DotAction>(); }});
  for (int round = 0; round < 5; ++round) {
    ServerOptions options = FourWorkers(upstream);
    options.limits.tuning.drain_timeout = Milliseconds(round * 20);
    RunningServer server(options);
    for (const Transport transport : kTransports) {
      auto clients = Clients(server, transport);
      for (size_t i = 0; i < clients.size(); ++i) {
        clients[i]->Send(MakeQuery(NameOf(static_cast<int>(i)), QType::kA));
      }
    }
    if (round % 2 == 0) server.server().Shutdown();
  }
}

}  // namespace
}  // namespace dotcache
