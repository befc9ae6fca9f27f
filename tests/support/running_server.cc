// SPDX-License-Identifier: Apache-2.0
#include "tests/support/running_server.h"

#include <chrono>
#include <thread>

#include "gtest/gtest.h"

namespace dotcache {
namespace {

constexpr std::chrono::seconds kPatience{10};

}  // namespace

UpstreamServerOptions OptionsFor(const LoopbackDotServer& upstream) {
  UpstreamServerOptions options;
  options.provider = "example";
  options.endpoint = upstream.endpoint();
  options.identity.authentication_name = kTestServerName;
  options.identity.address = options.endpoint.AddressToString();
  return options;
}

ServerOptions TestServerOptions(const std::vector<const LoopbackDotServer*>& upstreams) {
  ServerOptions options;
  for (const Transport transport : {Transport::kUdp, Transport::kTcp, Transport::kDot}) {
    options.listen.push_back({transport, *Endpoint::Parse("127.0.0.1:0"), /*optional=*/false});
  }
  options.listen_certificate_file = GetTestCertificates().server.certificate_file;
  options.listen_key_file = GetTestCertificates().server.key_file;
  options.upstream_ca_file = GetTestCertificates().ca.certificate_file;
  options.cache.budget_bytes = size_t{1} << 20;
  // Probes would change the query counts of the upstream servers.
  options.upstream.loop_check = false;
  // On a busy machine, no upstream server counts as slow and no query is hedged.
  options.upstream.limits.tuning.min_attempt_timeout = Seconds(4);
  options.upstream.limits.tuning.max_attempt_timeout = Seconds(4);
  options.upstream.limits.hedge = false;
  UpstreamZoneOptions& root = options.upstream.zones.emplace_back();
  root.policy = SelectionPolicy::kSequential;
  for (const LoopbackDotServer* upstream : upstreams) root.servers.push_back(OptionsFor(*upstream));
  return options;
}

RunningServer::RunningServer(const ServerOptions& options) {
  auto server = Server::Create(options);
  EXPECT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
  const absl::Status started = server_->Start();
  EXPECT_TRUE(started.ok()) << started;
}

Endpoint RunningServer::endpoint(Transport transport) const {
  for (const ListenOptions& listen : server_->listeners()) {
    if (listen.transport == transport) return listen.endpoint;
  }
  ADD_FAILURE() << "there is no listener for " << TransportName(transport);
  return Endpoint();
}

std::unique_ptr<DnsClient> RunningServer::Connect(Transport transport) const {
  switch (transport) {
    case Transport::kUdp:
      return DnsClient::Udp(endpoint(transport));
    case Transport::kTcp:
      return DnsClient::Tcp(endpoint(transport));
    case Transport::kDot:
      return DnsClient::Dot(endpoint(transport));
  }
  return nullptr;
}

WireMessage RunningServer::Ask(Transport transport, const WireMessage& query) const {
  const std::unique_ptr<DnsClient> client = Connect(transport);
  if (client == nullptr) return {};
  return client->Exchange(query).value_or(WireMessage());
}

bool RunningServer::WaitUntilReady() const {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!server_->ready()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace dotcache
