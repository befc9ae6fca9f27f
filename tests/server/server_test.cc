// SPDX-License-Identifier: Apache-2.0
#include "server/server.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/listen_socket.h"
#include "tests/support/running_server.h"

namespace dotcache {
namespace {

using testing::HasSubstr;

class ServerTest : public testing::Test {
 protected:
  std::string ErrorOf(const ServerOptions& options) {
    const auto server = Server::Create(options);
    EXPECT_FALSE(server.ok());
    return std::string(server.status().message());
  }

  LoopbackDotServer upstream_;
  ServerOptions options_ = TestServerOptions({&upstream_});
};

TEST_F(ServerTest, WorkersShareThePortThatReplacesPortZero) {
  options_.workers = 3;
  const auto server = Server::Create(options_);
  ASSERT_TRUE(server.ok()) << server.status();
  ASSERT_EQ((*server)->listeners().size(), 3u);
  for (const ListenOptions& listen : (*server)->listeners()) EXPECT_NE(listen.endpoint.port(), 0);
  EXPECT_EQ((*server)->worker_count(), 3);
}

TEST_F(ServerTest, UsedPortIsAnErrorThatNamesIt) {
  const auto other = BindTcp(*Endpoint::Parse("127.0.0.1:0"));
  ASSERT_TRUE(other.ok());
  const Endpoint taken = LocalEndpoint(other->get());
  options_.listen = {{Transport::kTcp, taken, /*optional=*/false}};
  EXPECT_THAT(ErrorOf(options_), HasSubstr(taken.ToString()));
}

TEST_F(ServerTest, AListenerWaitsForAMissingAddressUnlessItIsOptional) {
  const Endpoint elsewhere = *Endpoint::Parse("192.0.2.1:5353");
  options_.listen.push_back({Transport::kUdp, elsewhere, /*optional=*/false});
  {
    const auto waiting = Server::Create(options_);
    ASSERT_TRUE(waiting.ok()) << waiting.status();
    EXPECT_EQ((*waiting)->listeners().size(), 4u);
  }
  options_.listen.back().optional = true;
  const auto server = Server::Create(options_);
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ((*server)->listeners().size(), 3u);
}

TEST_F(ServerTest, WithoutAListenerCreateFails) {
  options_.listen = {{Transport::kUdp, *Endpoint::Parse("192.0.2.1:5353"), /*optional=*/true}};
  EXPECT_THAT(ErrorOf(options_), HasSubstr("no listener"));
}

TEST_F(ServerTest, CertificatesAreLoadedBeforeAnythingServes) {
  const TestCertificates& all = GetTestCertificates();
  ServerOptions options = options_;
  options.listen_certificate_file = all.missing_file;
  EXPECT_THAT(ErrorOf(options), HasSubstr(all.missing_file));
  options = options_;
  options.listen_certificate_file = all.mismatched.certificate_file;
  options.listen_key_file = all.mismatched.key_file;
  EXPECT_THAT(ErrorOf(options), HasSubstr(all.mismatched.key_file));
  options = options_;
  options.upstream_ca_file = all.garbage_file;
  EXPECT_THAT(ErrorOf(options), HasSubstr(all.garbage_file));
  options = options_;
  options.upstream.zones[0].servers[0].ca_file = all.missing_file;
  EXPECT_THAT(ErrorOf(options), HasSubstr(all.missing_file));
}

TEST_F(ServerTest, UpstreamServerCanHaveItsOwnCaFile) {
  options_.upstream.zones[0].servers[0].ca_file = options_.upstream_ca_file;
  options_.upstream_ca_file = GetTestCertificates().untrusted.certificate_file;
  EXPECT_TRUE(RunningServer(options_).WaitUntilReady());
}

TEST_F(ServerTest, WithoutADotListenerNoCertificateIsNeeded) {
  options_.listen.pop_back();
  options_.listen_certificate_file.clear();
  options_.listen_key_file.clear();
  EXPECT_TRUE(Server::Create(options_).ok());
}

TEST_F(ServerTest, ServerThatWasNotStartedCanBeDestroyed) {
  const auto server = Server::Create(options_);
  ASSERT_TRUE(server.ok());
  (*server)->Shutdown();
  EXPECT_FALSE((*server)->ready());
}

TEST_F(ServerTest, CountersHaveOneElementForEachWorkerAndUpstreamServer) {
  options_.workers = 2;
  UpstreamZoneOptions& zone = options_.upstream.zones.emplace_back();
  zone.zone = *DomainName::FromText("corp.example");
  zone.servers = {OptionsFor(upstream_), OptionsFor(upstream_)};
  const auto server = Server::Create(options_);
  ASSERT_TRUE(server.ok());
  EXPECT_EQ((*server)->upstreams()->servers.size(), 3u);
  ASSERT_EQ((*server)->upstreams()->counters.size(), 1u);  // Only worker 0 has upstream servers.
  EXPECT_EQ((*server)->upstreams()->counters[0].size(), 3u);
  EXPECT_NE(&(*server)->worker_counters(0), &(*server)->worker_counters(1));
}

}  // namespace
}  // namespace dotcache
