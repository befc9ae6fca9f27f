// SPDX-License-Identifier: Apache-2.0
// Tests a whole server whose certificate, key, CA and pins files change.

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/message_builder.h"
#include "tests/support/parsed_message.h"
#include "tests/support/running_server.h"
#include "tests/support/test_directory.h"

namespace dotcache {
namespace {

class CredentialsTest : public testing::Test {
 protected:
  std::string Put(const std::string& name, const std::string& from) {
    return directory_.Copy(name, from);
  }
  std::string Write(const std::string& name, const std::string& text) {
    return directory_.Write(name, text);
  }

  // A different question each time, so that the cache has no answer.
  Rcode Ask(const RunningServer& server, Transport transport = Transport::kUdp) {
    const WireMessage reply =
        server.Ask(transport, MessageBuilder()
                                  .Question(absl::StrCat("n", ++number_, ".example.com"), QType::kA)
                                  .Opt()
                                  .Build());
    EXPECT_FALSE(reply.empty());
    return reply.empty() ? Rcode::kNotImp : ParsedMessage::Parse(reply).rcode;
  }

  const TestCertificates& all_ = GetTestCertificates();
  const TestDirectory directory_;
  int number_ = 0;
};

TEST_F(CredentialsTest, ServerThatRequiresACertificateIsUsedOnceOneIsLoaded) {
  LoopbackDotServer upstream(
      LoopbackDotServer::Options{.client_ca_file = all_.ca.certificate_file});
  ServerOptions options = TestServerOptions({&upstream});
  UpstreamServerOptions& server_options = options.upstream.zones[0].servers[0];
  server_options.certificate_file = Put("crt", all_.self_signed.certificate_file);
  server_options.key_file = Put("key", all_.self_signed.key_file);
  RunningServer server(options);
  EXPECT_EQ(Ask(server), Rcode::kServFail);
  EXPECT_EQ(upstream.queries(), 0);
  Put("crt", all_.client.certificate_file);
  Put("key", all_.client.key_file);
  const int connections = upstream.connections();
  server.server().ReloadCredentials();
  EXPECT_TRUE(upstream.WaitForConnections(connections + 1));  // Before any query.
  EXPECT_EQ(Ask(server), Rcode::kNoError);
}

TEST_F(CredentialsTest, ServerWhosePinWasRemovedGetsNoMoreQueries) {
  LoopbackDotServer upstream;
  ServerOptions options = TestServerOptions({&upstream});
  options.upstream.zones[0].servers[0].pins_file = Write("pins", all_.server.spki_pin);
  RunningServer server(options);
  EXPECT_EQ(Ask(server), Rcode::kNoError);
  const int queries = upstream.queries();
  Write("pins", all_.name_only.spki_pin);
  server.server().ReloadCredentials();
  EXPECT_TRUE(upstream.WaitForNoConnection());  // The old connection is drained.
  EXPECT_EQ(Ask(server), Rcode::kServFail);
  EXPECT_EQ(upstream.queries(), queries);
  EXPECT_EQ(upstream.resumptions(), 0);
}

TEST_F(CredentialsTest, UnchangedServerKeepsItsConnection) {
  LoopbackDotServer a;
  LoopbackDotServer b;
  ServerOptions options = TestServerOptions({&a, &b});
  options.upstream.zones[0].servers[0].pins_file = Write("pins", all_.server.spki_pin);
  RunningServer server(options);
  EXPECT_EQ(Ask(server), Rcode::kNoError);
  EXPECT_TRUE(b.WaitForConnections(1));
  Write("pins", absl::StrCat(all_.server.spki_pin, "\n", all_.ca.spki_pin));
  server.server().ReloadCredentials();
  EXPECT_TRUE(a.WaitForConnections(2));
  EXPECT_EQ(Ask(server), Rcode::kNoError);
  EXPECT_EQ(b.connections(), 1);
}

TEST_F(CredentialsTest, NewClientsGetTheNewListenerCertificate) {
  LoopbackDotServer upstream;
  ServerOptions options = TestServerOptions({&upstream});
  options.listen_certificate_file = Put("crt", all_.other_name.certificate_file);
  options.listen_key_file = Put("key", all_.other_name.key_file);
  RunningServer server(options);
  EXPECT_EQ(server.Connect(Transport::kDot), nullptr);  // The client expects another name.
  Put("crt", all_.server.certificate_file);
  Put("key", all_.server.key_file);
  server.server().ReloadCredentials();
  std::unique_ptr<DnsClient> client;
  while (client == nullptr)
    // The worker gets the new certificate a moment later.
    client = server.Connect(Transport::kDot);
  EXPECT_EQ(Ask(server, Transport::kDot), Rcode::kNoError);
}

}  // namespace
}  // namespace dotcache
