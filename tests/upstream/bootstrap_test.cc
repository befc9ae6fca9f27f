// SPDX-License-Identifier: Apache-2.0
#include "upstream/bootstrap.h"

#include <optional>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/loopback_classic_server.h"
#include "tests/support/loopback_dot_server.h"

namespace dotcache {
namespace {

UpstreamServerOptions Classic(const LoopbackClassicServer& server) {
  UpstreamServerOptions options;
  options.endpoint = server.endpoint();
  options.transport = Transport::kUdp;
  return options;
}

// Asks until there is an outcome, while the servers work.
ExchangeFailure Ask(UvLoop& loop, Exchanger& exchanger,
                    std::vector<LoopbackClassicServer*> servers) {
  UpstreamQuery query;
  query.question = {*DomainName::FromText("dns.example.net"), QType::kA, QClass::kIn};
  std::optional<ExchangeFailure> outcome;
  const auto id = exchanger.Exchange(
      query, loop.Now() + Seconds(10),
      [&outcome](ExchangeOr<UpstreamResponse> response) { outcome = response.failure(); });
  if (!id.ok()) return id.failure();
  while (!outcome.has_value()) {
    loop.RunOnce();
    for (LoopbackClassicServer* server : servers) server->Pump();
    std::this_thread::yield();
  }
  return *outcome;
}

std::vector<WireMessage> Answer(const ClassicQuery& query) { return {AnswerTo(query.wire)}; }

TEST(BootstrapTest, QueriesOnlyItsServersInTheirOrder) {
  UvLoop loop;
  LoopbackClassicServer first(Answer);
  LoopbackClassicServer second(Answer);
  LoopbackClassicServer provider(Answer);
  UpstreamOptions options;
  options.zones.resize(1);
  options.zones[0].servers = {Classic(provider)};
  options.bootstrap = {Classic(first), Classic(second)};
  Bootstrap bootstrap(loop, options, {nullptr, nullptr});
  EXPECT_EQ(Ask(loop, bootstrap.exchanger(), {&first, &second, &provider}), ExchangeFailure::kNone);
  EXPECT_EQ(first.queries().size(), 1u);
  EXPECT_TRUE(second.queries().empty());
  first.Stop();
  EXPECT_EQ(Ask(loop, bootstrap.exchanger(), {&second, &provider}), ExchangeFailure::kNone);
  EXPECT_EQ(second.queries().size(), 1u);
  EXPECT_TRUE(provider.queries().empty());
}

TEST(BootstrapTest, WhileItDrainsItSendsNoQuery) {
  UvLoop loop;
  LoopbackClassicServer server(Answer);
  UpstreamOptions options;
  options.zones.resize(1);
  options.bootstrap = {Classic(server)};
  Bootstrap bootstrap(loop, options, {nullptr});
  bootstrap.Drain();
  EXPECT_EQ(Ask(loop, bootstrap.exchanger(), {&server}), ExchangeFailure::kUnreachable);
}

}  // namespace
}  // namespace dotcache
