// SPDX-License-Identifier: Apache-2.0
#include "server/tcp_listener.h"

#include <future>
#include <memory>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/listen_socket.h"
#include "net/uv_loop.h"
#include "tests/support/dns_client.h"
#include "tests/support/fake_exchanger.h"
#include "tests/support/message_builder.h"

namespace dotcache {
namespace {

class TcpListenerTest : public testing::Test {
 protected:
  TcpListenerTest() : handler_(Environment()) { sessions_.set_handler(handler_); }

  QueryHandler::Environment Environment() {
    return {loop_, cache_, &exchanger_, access_, &local_names_, counters_, limits_};
  }

  using ServerCredentials = std::shared_ptr<const TlsServerCredentials>;

  void Open(ServerCredentials credentials) { Open(std::move(credentials), access_); }

  void Open(ServerCredentials credentials, const AccessPolicy& access) {
    UniqueFd fd = *BindTcp(*Endpoint::Parse("127.0.0.1:0"));
    endpoint_ = LocalEndpoint(fd.get());
    listener_ = *TcpListener::Open({loop_, access, sessions_, counters_, handshakes_},
                                   std::move(credentials), std::move(fd));
  }

  // Runs the loop until the client, on its own thread, has finished.
  template <typename Work>
  auto RunClient(Work work) {
    auto result = std::async(std::launch::async, std::move(work));
    while (result.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
      loop_.RunOnce();
    }
    return result.get();
  }

  UvLoop loop_;
  ResponseCache cache_{CacheOptions(), HashSeed{1, 2}};
  FakeExchanger exchanger_;
  const AccessPolicy access_{PrivatePrefixes()};
  const LocalNames local_names_{nullptr,
                                std::make_unique<LocalZones>(absl::Span<const DomainName>())};
  ServerLimits limits_;
  WorkerCounters counters_;
  HandshakeRate handshakes_{2};
  StreamShares shares_{limits_.max_streams_per_client};
  SessionTable sessions_{loop_, limits_, counters_, shares_};
  QueryHandler handler_;
  Endpoint endpoint_;
  std::unique_ptr<TcpListener> listener_;
};

TEST_F(TcpListenerTest, WithoutCredentialsItServesTcp) {
  Open(nullptr);
  EXPECT_TRUE(RunClient([this] {
    const auto client = DnsClient::Tcp(endpoint_);
    return client->Exchange(MakeQuery("localhost", QType::kA)).has_value();
  }));
  EXPECT_EQ(counters_.queries[static_cast<size_t>(Transport::kTcp)].value(), 1u);
  EXPECT_EQ(counters_.stream_connections_total.value(), 1u);
}

TEST_F(TcpListenerTest, WithCredentialsItServesOnlyDot) {
  const TestCertificate& certificate = GetTestCertificates().server;
  Open(*TlsServerCredentials::FromFiles(certificate.certificate_file, certificate.key_file));
  EXPECT_TRUE(RunClient([this] {
    const auto client = DnsClient::Dot(endpoint_);
    return client != nullptr && client->Exchange(MakeQuery("localhost", QType::kA)).has_value();
  }));
  EXPECT_EQ(counters_.queries[static_cast<size_t>(Transport::kDot)].value(), 1u);
  EXPECT_FALSE(RunClient([this] {
    const auto client = DnsClient::Tcp(endpoint_);
    client->Send(MakeQuery("localhost", QType::kA));
    const auto reply = client->Receive();
    return reply.has_value() && LoadHeader(*reply).id == 0x1234;
  }));
  EXPECT_EQ(counters_.queries[static_cast<size_t>(Transport::kTcp)].value(), 0u);
}

TEST_F(TcpListenerTest, ClientOverTheLimitIsClosed) {
  limits_.max_stream_connections = 1;
  Open(nullptr);
  const auto first = DnsClient::Tcp(endpoint_);
  first->Send(MakeQuery("www.example.com", QType::kA));
  while (exchanger_.calls().empty()) loop_.RunOnce();  // From here on the first client is not idle.
  EXPECT_TRUE(RunClient([this] { return DnsClient::Tcp(endpoint_)->ReceiveEnd(); }));
  EXPECT_EQ(counters_.limit(Limit::kConnections).value(), 1u);
  EXPECT_EQ(sessions_.size(), 1u);
}

TEST_F(TcpListenerTest, RefusedClientIsClosedWithoutASession) {
  const AccessPolicy no_client({});
  Open(nullptr, no_client);
  EXPECT_TRUE(RunClient([this] { return DnsClient::Tcp(endpoint_)->ReceiveEnd(); }));
  EXPECT_EQ(counters_.refused_clients.value(), 1u);
  EXPECT_EQ(counters_.stream_connections_total.value(), 0u);
}

TEST_F(TcpListenerTest, DotClientWithTooManyHandshakesIsClosedWithoutASession) {
  const TestCertificate& certificate = GetTestCertificates().server;
  Open(*TlsServerCredentials::FromFiles(certificate.certificate_file, certificate.key_file));
  constexpr int kBurst = 4;  // Of two handshakes in a second.
  for (int i = 0; i < kBurst; ++i) {
    EXPECT_TRUE(RunClient([this] { return DnsClient::Dot(endpoint_) != nullptr; })) << i;
  }
  // Some tokens may have come back meanwhile.
  while (counters_.limit(Limit::kHandshakes).value() == 0) {
    RunClient([this] { return DnsClient::Dot(endpoint_) != nullptr; });
  }
  EXPECT_FALSE(RunClient([this] { return DnsClient::Dot(endpoint_) != nullptr; }));
}

TEST_F(TcpListenerTest, ClosedListenerRefusesConnections) {
  Open(nullptr);
  listener_.reset();
  EXPECT_EQ(DnsClient::Tcp(endpoint_), nullptr);
}

}  // namespace
}  // namespace dotcache
