// SPDX-License-Identifier: Apache-2.0
// The whole of upstream/ over real TLS: three servers on loopback, faults under a steady stream.

#include <memory>
#include <string>
#include <vector>

#include "absl/random/random.h"
#include "gtest/gtest.h"
#include "net/uv_loop.h"
#include "tests/support/loopback_dot_server.h"
#include "tests/support/run_loop.h"
#include "upstream/connection/socket_connector.h"
#include "upstream/exchange/upstream_manager.h"

namespace dotcache {
namespace {

constexpr size_t kServers = 3;

class FailoverTest : public testing::Test {
 protected:
  void Make(std::vector<LoopbackDotServer::Options> server_options) {
    credentials_ = *TlsClientCredentials::FromFile(GetTestCertificates().ca.certificate_file);
    options_.zones.resize(1);
    options_.zones[0].policy = SelectionPolicy::kRoundRobin;
    // Whatever the machine is busy with: no server here is slow by itself.
    options_.limits.tuning.min_attempt_timeout = Seconds(4);
    options_.limits.tuning.max_attempt_timeout = Seconds(4);
    options_.limits.connect_timeout = Seconds(10);
    for (LoopbackDotServer::Options& server : server_options) {
      servers_.push_back(std::make_unique<LoopbackDotServer>(std::move(server)));
      UpstreamServerOptions upstream;
      upstream.provider = "loopback";
      upstream.endpoint = servers_.back()->endpoint();
      upstream.identity.authentication_name = kTestServerName;
      upstream.identity.address = "127.0.0.1";
      options_.zones[0].servers.push_back(upstream);
    }
    connector_ = std::make_unique<SocketConnector>(
        loop_, options_.limits, SocketConnector::Credentials(kServers, credentials_));
    manager_ = std::make_unique<UpstreamManager>(loop_, options_, *connector_,
                                                 absl::MakeSpan(counters_), random_);
    manager_->Start();
    ASSERT_TRUE(RunUntil([this] { return manager_->ready(); }));
  }

  // Begins an exchange for a name of its own.
  void Ask() {
    UpstreamQuery query;
    query.question = {*DomainName::FromText("n" + std::to_string(asked_++) + ".example"), QType::kA,
                      QClass::kIn};
    const auto id = manager_->Exchange(
        query, loop_.Now() + Seconds(9),
        [this](ExchangeOr<UpstreamResponse> response) { response.ok() ? ++answered_ : ++failed_; });
    if (!id.ok()) ++failed_;
  }

  // Asks so many times, a few at once, with `fault` happening on the way.
  void Stream(int count, absl::AnyInvocable<void()> fault) {
    for (int i = 0; i < count; ++i) {
      if (i == count / 4) fault();
      Ask();
      if (i % 4 == 3) loop_.RunOnce();
    }
    EXPECT_TRUE(RunUntil([this] { return answered_ + failed_ == asked_; }));
    EXPECT_EQ(failed_, 0);
  }

  bool RunUntil(absl::FunctionRef<bool()> done) { return RunLoopUntil(loop_, done); }

  UvLoop loop_;
  absl::BitGen random_;
  UpstreamOptions options_;
  std::shared_ptr<const TlsClientCredentials> credentials_;
  std::vector<UpstreamCounters> counters_{kServers};
  std::vector<std::unique_ptr<LoopbackDotServer>> servers_;
  std::unique_ptr<SocketConnector> connector_;
  std::unique_ptr<UpstreamManager> manager_;
  int asked_ = 0;
  int answered_ = 0;
  int failed_ = 0;
};

TEST_F(FailoverTest, AServerThatStopsFailsNoQueryAndComesBackByItself) {
  Make(std::vector<LoopbackDotServer::Options>(kServers));
  Stream(400, [this] { servers_[0]->Stop(); });
  ASSERT_TRUE(RunUntil([this] {
    if (answered_ + failed_ == asked_) Ask();
    return counters_[0].up.value() == 0;
  }));
  Stream(400, [] {});
  servers_[0]->Start();
  EXPECT_TRUE(RunUntil([this] { return counters_[0].up.value() == 1; }));
}

TEST_F(FailoverTest, AllConnectionsResetAtOnceFailNoQuery) {
  Make(std::vector<LoopbackDotServer::Options>(kServers));
  Stream(400, [this] {
    for (const auto& server : servers_) server->ResetConnections();
  });
}

TEST_F(FailoverTest, AServerThatCannotProveItsNameGetsNoOctetAndFailsNoQuery) {
  std::vector<LoopbackDotServer::Options> options(kServers);
  options[1].certificate = GetTestCertificates().other_name;
  Make(std::move(options));
  Stream(200, [] {});
  EXPECT_TRUE(RunUntil([this] { return counters_[1].up.value() == 0; }));
  EXPECT_EQ(servers_[1]->plain_octets(), 0);
}

TEST_F(FailoverTest, ManyQueriesShareOneConnectionPerServer) {
  Make(std::vector<LoopbackDotServer::Options>(kServers));
  ASSERT_TRUE(RunUntil([this] {
    return counters_[0].open_connections.value() + counters_[1].open_connections.value() +
               counters_[2].open_connections.value() ==
           kServers;
  }));
  Stream(150, [] {});  // Not so many that they queue on one.
  for (const auto& server : servers_) EXPECT_EQ(server->connections(), 1);
}

TEST_F(FailoverTest, DrainLetsWhatIsInFlightEndAndClosesEverything) {
  LoopbackDotServer::Options slow;
  slow.handler = [](const DotQuery& query) {
    return std::vector<DotAction>{{.octets = AnswerTo(query.wire), .delay = Milliseconds(50)}};
  };
  Make(std::vector<LoopbackDotServer::Options>(kServers, slow));
  for (int i = 0; i < 50; ++i) Ask();
  manager_->Drain();
  ASSERT_TRUE(RunUntil([this] { return answered_ == 50; }));
  loop_.RunOnce();
  for (const auto& server : servers_) EXPECT_TRUE(server->WaitForNoConnection());
}

}  // namespace
}  // namespace dotcache
