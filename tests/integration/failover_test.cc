// SPDX-License-Identifier: Apache-2.0
// Tests a whole server whose upstream servers fail.

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/message_builder.h"
#include "tests/support/parsed_message.h"
#include "tests/support/running_server.h"

namespace dotcache {
namespace {

// A different question for each number, so that the cache has no answer.
WireMessage Query(int number) {
  return MessageBuilder()
      .Question(absl::StrCat("n", number, ".example.com"), QType::kA)
      .Opt()
      .Build();
}

ParsedMessage Ask(const RunningServer& server, int number) {
  const WireMessage reply = server.Ask(Transport::kUdp, Query(number));
  EXPECT_FALSE(reply.empty());
  return reply.empty() ? ParsedMessage() : ParsedMessage::Parse(reply);
}

constexpr auto kNoReachableAuthority =
    static_cast<uint16_t>(ExtendedErrorCode::kNoReachableAuthority);

TEST(FailoverTest, EachServerCanStopAndReturnWithoutAFailedQuery) {
  LoopbackDotServer a;
  LoopbackDotServer b;
  ServerOptions options = TestServerOptions({&a, &b});
  options.upstream.zones[0].policy = SelectionPolicy::kRoundRobin;
  RunningServer server(options);
  int number = 0;
  for (LoopbackDotServer* victim : {&a, &b, &a}) {
    for (int i = 0; i < 5; ++i) EXPECT_EQ(Ask(server, ++number).rcode, Rcode::kNoError);
    const int connections = victim->connections();
    victim->Stop();
    for (int i = 0; i < 5; ++i) EXPECT_EQ(Ask(server, ++number).rcode, Rcode::kNoError);
    victim->Start();
    EXPECT_TRUE(victim->WaitForConnections(connections + 1));  // The server is probed.
  }
}

TEST(FailoverTest, QueryOnAResetConnectionIsAnsweredByTheOtherServer) {
  LoopbackDotServer a({.handler = [](const DotQuery&) {
    return std::vector<DotAction>{{.kind = DotAction::Kind::kReset}};
  }});
  LoopbackDotServer b;
  RunningServer server(TestServerOptions({&a, &b}));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Ask(server, i).rcode, Rcode::kNoError);
  EXPECT_GE(a.queries() + b.queries(), 5);
}

TEST(FailoverTest, SilentServerIsSkipped) {
  LoopbackDotServer a({.handler = [](const DotQuery&) { return std::vector<DotAction>(); }});
  LoopbackDotServer b;
  ServerOptions options = TestServerOptions({&a, &b});
  options.upstream.limits = {};  // The default limits wait for less time than a client does.
  RunningServer server(options);
  EXPECT_EQ(Ask(server, 1).rcode, Rcode::kNoError);
  EXPECT_GE(b.queries(), 1);
}

TEST(FailoverTest, ServerThatNeverFinishesItsHandshakeIsSkipped) {
  LoopbackDotServer a({.stall_handshake = true});
  LoopbackDotServer b;
  RunningServer server(TestServerOptions({&a, &b}));
  EXPECT_EQ(Ask(server, 1).rcode, Rcode::kNoError);
}

TEST(FailoverTest, ServerWithAWrongCertificateGetsNoQuery) {
  const TestCertificates& all = GetTestCertificates();
  for (const TestCertificate& certificate :
       {all.other_name, all.expired, all.not_yet_valid, all.untrusted, all.self_signed}) {
    SCOPED_TRACE(certificate.certificate_file);
    LoopbackDotServer impostor({.certificate = certificate});
    LoopbackDotServer honest;
    RunningServer server(TestServerOptions({&impostor, &honest}));
    for (int i = 0; i < 3; ++i) EXPECT_EQ(Ask(server, i).rcode, Rcode::kNoError);
    EXPECT_TRUE(impostor.WaitForConnections(1));
    EXPECT_EQ(impostor.plain_octets(), 0);
  }
}

TEST(FailoverTest, WithoutAnAuthenticatedServerThereIsNoAnswer) {
  LoopbackDotServer impostor({.certificate = GetTestCertificates().other_name});
  RunningServer server(TestServerOptions({&impostor}));
  const ParsedMessage reply = Ask(server, 1);
  EXPECT_EQ(reply.rcode, Rcode::kServFail);
  EXPECT_EQ(reply.extended_error, kNoReachableAuthority);
  EXPECT_EQ(impostor.plain_octets(), 0);
  EXPECT_FALSE(server.server().ready());
}

TEST(FailoverTest, ServerWithoutANameIsAuthenticatedByItsAddress) {
  LoopbackDotServer named({.certificate = GetTestCertificates().name_only});
  LoopbackDotServer addressed({.certificate = GetTestCertificates().address_only});
  ServerOptions options = TestServerOptions({&named, &addressed});
  for (UpstreamServerOptions& upstream : options.upstream.zones[0].servers) {
    upstream.identity.authentication_name.clear();
  }
  RunningServer server(options);
  EXPECT_EQ(Ask(server, 1).rcode, Rcode::kNoError);
  EXPECT_EQ(named.plain_octets(), 0);
  EXPECT_EQ(addressed.queries(), 1);
}

TEST(FailoverTest, OnlyServerIsUsedAgainAfterItReturns) {
  LoopbackDotServer upstream;
  RunningServer server(TestServerOptions({&upstream}));
  EXPECT_EQ(Ask(server, 1).rcode, Rcode::kNoError);
  upstream.Stop();
  const ParsedMessage failed = Ask(server, 2);
  EXPECT_EQ(failed.rcode, Rcode::kServFail);
  EXPECT_EQ(failed.extended_error, kNoReachableAuthority);
  const int connections = upstream.connections();
  upstream.Start();
  EXPECT_TRUE(upstream.WaitForConnections(connections + 1));
  // The handshake is complete at the server; at the client it is a moment later.
  while (server.server().upstreams()->CountersOf(0, 0).up.value() == 0) std::this_thread::yield();
  EXPECT_EQ(Ask(server, 3).rcode, Rcode::kNoError);
}

TEST(FailoverTest, SpoofedResponseIsDroppedAndTheRightOneUsed) {
  LoopbackDotServer upstream({.handler = [](const DotQuery& query) {
    WireMessage wrong_id = AnswerTo(query.wire, "192.0.2.66");
    wrong_id[0] ^= 0xff;
    return std::vector<DotAction>{{.octets = wrong_id}, {.octets = AnswerTo(query.wire)}};
  }});
  RunningServer server(TestServerOptions({&upstream}));
  const ParsedMessage reply = Ask(server, 1);
  EXPECT_THAT(reply.answer, testing::ElementsAre(testing::EndsWith("192.0.2.1")));
  EXPECT_EQ(server.server().upstreams()->CountersOf(0, 0).mismatched.value(), 1u);
}

}  // namespace
}  // namespace dotcache
