// SPDX-License-Identifier: Apache-2.0
// Tests how a whole server starts and stops.

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/message_builder.h"
#include "tests/support/parsed_message.h"
#include "tests/support/running_server.h"

namespace dotcache {
namespace {

constexpr char kName[] = "www.example.com";
constexpr Transport kTransports[] = {Transport::kUdp, Transport::kTcp, Transport::kDot};

DotHandler AnswerAfter(Milliseconds delay) {
  return [delay](const DotQuery& query) {
    return std::vector<DotAction>{{.octets = AnswerTo(query.wire), .delay = delay}};
  };
}

DotHandler SayNothing() {
  return [](const DotQuery&) { return std::vector<DotAction>(); };
}

// For tests in which the stop does not wait for this.
constexpr Milliseconds kForever(3'600'000);

// Two workers that do not wait for upstream servers when they stop.
ServerOptions WithoutDrain(LoopbackDotServer& upstream, Milliseconds last_replies_timeout) {
  ServerOptions options = TestServerOptions({&upstream});
  options.workers = 2;
  options.limits.tuning.drain_timeout = Milliseconds(0);
  options.limits.tuning.last_replies_timeout = last_replies_timeout;
  options.limits.query_timeout = kForever;
  return options;
}

TEST(DrainTest, QueriesInFlightAreAnsweredBeforeTheEnd) {
  LoopbackDotServer upstream({.handler = AnswerAfter(Milliseconds(300))});
  ServerOptions options = TestServerOptions({&upstream});
  options.workers = 2;
  options.limits.tuning.drain_timeout = kForever;
  RunningServer server(options);
  std::vector<std::unique_ptr<DnsClient>> clients;
  for (const Transport transport : kTransports) {
    clients.push_back(server.Connect(transport));
    ASSERT_NE(clients.back(), nullptr);
    clients.back()->Send(MakeQuery(kName, QType::kA));
    clients.push_back(server.Connect(transport));
    clients.back()->Send(MakeQuery("mail.example.com", QType::kA));
  }
  server.server().Shutdown();
  for (const auto& client : clients) {
    const auto reply = client->Receive();
    ASSERT_TRUE(reply.has_value());
    EXPECT_EQ(ParsedMessage::Parse(*reply).answer.size(), 1u);
  }
}

TEST(DrainTest, ConnectionsEndCleanlyAndListenersAreClosed) {
  LoopbackDotServer upstream;
  ServerOptions options = TestServerOptions({&upstream});
  options.limits.tuning.drain_timeout = kForever;
  RunningServer server(options);
  const auto idle = server.Connect(Transport::kTcp);
  const auto idle_dot = server.Connect(Transport::kDot);
  EXPECT_TRUE(idle->Exchange(MakeQuery(kName, QType::kA)).has_value());
  EXPECT_TRUE(idle_dot->Exchange(MakeQuery(kName, QType::kA)).has_value());
  server.server().Shutdown();
  EXPECT_TRUE(idle->ReceiveEnd());
  EXPECT_TRUE(idle_dot->ReceiveEnd());
  EXPECT_EQ(server.Connect(Transport::kTcp), nullptr);
  EXPECT_EQ(server.Connect(Transport::kDot), nullptr);
}

TEST(DrainTest, EveryClientIsServedUntilTheLastQueryIsAnswered) {
  LoopbackDotServer upstream({.handler = AnswerAfter(Milliseconds(300))});
  ServerOptions options = TestServerOptions({&upstream});
  options.limits.tuning.drain_timeout = kForever;
  RunningServer server(options);
  const auto slow = server.Connect(Transport::kUdp);
  EXPECT_FALSE(server.Ask(Transport::kUdp, MakeQuery(kName, QType::kA)).empty());
  slow->Send(MakeQuery("slow.example.com", QType::kA));
  EXPECT_TRUE(upstream.WaitForQueries(2));
  std::thread stop([&] { server.server().Shutdown(); });
  while (server.server().ready()) std::this_thread::yield();
  for (const Transport transport : kTransports) {
    const WireMessage hit = server.Ask(transport, MakeQuery(kName, QType::kA));
    EXPECT_EQ(ParsedMessage::Parse(hit).answer.size(), 1u);
  }
  EXPECT_TRUE(slow->Receive().has_value());
  stop.join();
}

// Without a server the kernel says that the port is closed, so that a client turns to another one.
TEST(DrainTest, QueryAfterTheEndOfReceptionIsRefusedByTheKernel) {
  LoopbackDotServer upstream({.handler = SayNothing()});
  RunningServer server(WithoutDrain(upstream, kForever));
  const auto waiting = server.Connect(Transport::kTcp);
  waiting->Send(MakeQuery(kName, QType::kA));
  EXPECT_TRUE(upstream.WaitForQueries(1));
  std::thread stop([&] { server.server().Shutdown(); });
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const Endpoint endpoint = server.endpoint(Transport::kUdp);
  ASSERT_EQ(connect(fd, endpoint.address(), endpoint.address_size()), 0);
  ssize_t sent = 0;
  while (sent >= 0) sent = send(fd, "x", 1, 0);
  EXPECT_EQ(errno, ECONNREFUSED);
  close(fd);
  upstream.Stop();  // Ends the exchange.
  EXPECT_TRUE(waiting->Receive().has_value());
  stop.join();
}

TEST(DrainTest, UnansweredQueryGetsAnErrorBeforeTheEnd) {
  LoopbackDotServer upstream({.handler = SayNothing()});
  RunningServer server(WithoutDrain(upstream, Milliseconds(50)));
  std::vector<std::unique_ptr<DnsClient>> clients;
  for (const Transport transport : kTransports) {
    clients.push_back(server.Connect(transport));
    clients.back()->Send(MakeQuery(kName, QType::kA));
    clients.push_back(server.Connect(transport));
    clients.back()->Send(MakeQuery("mail.example.com", QType::kA));
  }
  EXPECT_TRUE(upstream.WaitForQueries(2));
  const auto waiting = [&server] {
    return server.server().worker_counters(0).cache_misses.value() +
           server.server().worker_counters(1).cache_misses.value();
  };
  while (waiting() < clients.size()) std::this_thread::yield();
  server.server().Shutdown();
  for (const auto& client : clients) {
    const auto reply = client->Receive();
    ASSERT_TRUE(reply.has_value());
    EXPECT_EQ(ParsedMessage::Parse(*reply).rcode, Rcode::kServFail);
  }
}

TEST(DrainTest, DestructorWithoutShutdownStopsAtOnce) {
  LoopbackDotServer upstream({.handler = SayNothing()});
  ServerOptions options = TestServerOptions({&upstream});
  options.limits.tuning.drain_timeout = kForever;
  auto server = std::make_unique<RunningServer>(options);
  const auto client = server->Connect(Transport::kDot);
  client->Send(MakeQuery(kName, QType::kA));
  EXPECT_TRUE(upstream.WaitForQueries(1));
  server.reset();
  EXPECT_FALSE(client->Receive().has_value());
}

TEST(DrainTest, SecondShutdownDoesNothing) {
  LoopbackDotServer upstream;
  RunningServer server(TestServerOptions({&upstream}));
  server.server().Shutdown();
  server.server().Shutdown();
  EXPECT_FALSE(server.server().ready());
}

TEST(DrainTest, ReadyFromTheFirstHandshakeUntilShutdown) {
  LoopbackDotServer upstream;
  RunningServer server(TestServerOptions({&upstream}));
  EXPECT_TRUE(server.WaitUntilReady());
  server.server().Shutdown();
  EXPECT_FALSE(server.server().ready());
}

TEST(DrainTest, NotReadyWhileNoServerCanBeReached) {
  LoopbackDotServer upstream;
  const ServerOptions options = TestServerOptions({&upstream});
  upstream.Stop();
  RunningServer server(options);
  EXPECT_EQ(ParsedMessage::Parse(server.Ask(Transport::kUdp, MakeQuery(kName, QType::kA))).rcode,
            Rcode::kServFail);
  EXPECT_FALSE(server.server().ready());
  upstream.Start();
  EXPECT_TRUE(server.WaitUntilReady());
}

}  // namespace
}  // namespace dotcache
