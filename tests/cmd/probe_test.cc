// SPDX-License-Identifier: Apache-2.0
#include "cmd/probe.h"

#include <poll.h>
#include <sys/socket.h>

#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/listen_socket.h"
#include "tests/cmd/config_test_support.h"
#include "tests/support/message_builder.h"
#include "tests/support/running_server.h"

namespace dotcache {
namespace {

using testing::HasSubstr;

DomainName Name(absl::string_view text) { return *DomainName::FromText(text); }

TEST(ProbeTest, RunningServerRepliesAndAStoppedOneDoesNot) {
  LoopbackDotServer upstream;
  RunningServer server(TestServerOptions({&upstream}));
  const Endpoint address = server.endpoint(Transport::kUdp);
  const auto local = Probe(address, Name("localhost"), Seconds(30));
  ASSERT_TRUE(local.ok()) << local.status();
  EXPECT_EQ(*local, Rcode::kNoError);
  EXPECT_EQ(upstream.queries(), 0);
  server.server().Shutdown();
  const auto refused = Probe(address, Name("localhost"), Seconds(30));
  EXPECT_THAT(refused.status().message(), HasSubstr(address.ToString()));
}

TEST(ProbeTest, ReplyToAnotherQueryIsIgnored) {
  absl::StatusOr<UniqueFd> silent = BindUdp(*Endpoint::Parse("127.0.0.1:0"));
  ASSERT_TRUE(silent.ok());
  const Endpoint address = LocalEndpoint(silent->get());
  std::thread replies([&] {
    uint8_t message[512];
    sockaddr_storage client{};
    socklen_t size = sizeof client;
    pollfd waiting = {silent->get(), POLLIN, 0};
    ASSERT_EQ(poll(&waiting, 1, -1), 1);
    const ssize_t length = recvfrom(silent->get(), message, sizeof message, 0,
                                    reinterpret_cast<sockaddr*>(&client), &size);
    message[2] |= 0x80;
    message[0] ^= 1;  // Another ID, then the right one with another RCODE.
    for (const Rcode rcode : {Rcode::kRefused, Rcode::kNxDomain}) {
      message[3] = static_cast<uint8_t>(rcode);
      sendto(silent->get(), message, static_cast<size_t>(length), 0,
             reinterpret_cast<sockaddr*>(&client), size);
      message[0] ^= 1;
    }
  });
  const auto rcode = Probe(address, Name("a.example"), Seconds(30));
  replies.join();
  ASSERT_TRUE(rcode.ok()) << rcode.status();
  EXPECT_EQ(*rcode, Rcode::kNxDomain);
}

TEST(ProbeTest, AddressIsThatOfTheFirstUdpListener) {
  const auto probed = [](const std::string& listen) {
    const auto address = ProbedAddress(LoadYaml("listen: [" + listen + "]\n").config);
    return address.ok() ? address->ToString() : std::string(address.status().message());
  };
  EXPECT_EQ(probed("192.0.2.1:54"), "192.0.2.1:54");
  EXPECT_EQ(probed("\"0.0.0.0:53\""), "127.0.0.1:53");
  EXPECT_EQ(probed("\"tcp://127.0.0.1:1\", \"udp://[::]:55\""), "[::1]:55");
  EXPECT_THAT(probed("\"tcp://127.0.0.1:1\""), HasSubstr("name an address"));
}

}  // namespace
}  // namespace dotcache
