// SPDX-License-Identifier: Apache-2.0
// A manager that gets other zones and servers while it has exchanges.

#include <deque>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/scripted_manager.h"

namespace dotcache {
namespace {

class ChangedServersTest : public testing::Test, protected ScriptedManager {
 protected:
  ChangedServersTest() {
    AddServer("one");
    AddServer("two");
    options_.zones[0].policy = SelectionPolicy::kSequential;
    MakeManager();
    manager_->Start();
    loop_.Advance(Milliseconds(20));
  }

  // Begins an exchange. Its result appears in results_.
  void Ask(const char* name) {
    UpstreamQuery query;
    query.question = {*DomainName::FromText(name), QType::kA, QClass::kIn};
    const auto id = manager_->Exchange(
        query, loop_.Now() + Seconds(5),
        [this](ExchangeOr<UpstreamResponse> r) { r.ok() ? ++answered_ : ++failed_; });
    if (!id.ok()) ++failed_;
  }

  // The servers of the zones now have these numbers, in order.
  void Use(const std::vector<int>& indexes) {
    numbered_.clear();
    while (more_counters_.size() < 256) more_counters_.emplace_back();
    for (const int index : indexes) {
      const bool is_old = index < static_cast<int>(counters_.size());
      numbered_.push_back({index, is_old ? &counters_[index] : &more_counters_[index]});
    }
    manager_->Use(options_, numbered_);
  }
  // True if no server that left has an exchange or a connection.
  bool AllEnded() { return manager_->Use(options_, numbered_); }

  std::deque<UpstreamCounters> more_counters_;
  std::vector<NumberedServer> numbered_;
  int answered_ = 0;
  int failed_ = 0;
};

TEST_F(ChangedServersTest, AServerThatStaysKeepsItsConnection) {
  options_.zones[0].servers.erase(options_.zones[0].servers.begin());
  Use({1});
  loop_.Advance(Milliseconds(50));
  EXPECT_EQ(connector_->server(1).connects, 1);
  EXPECT_EQ(connector_->open_connections(1), 1);
  EXPECT_EQ(connector_->open_connections(0), 0);
  EXPECT_TRUE(AllEnded());
  Ask("a.example");
  loop_.Advance(Milliseconds(50));
  EXPECT_EQ(answered_, 1);
  EXPECT_EQ(connector_->server(0).queries, 0);
  EXPECT_EQ(connector_->server(1).queries, 1);
}

TEST_F(ChangedServersTest, AnExchangeUnderWayEndsAtTheServerThatLeaves) {
  Ask("a.example");
  AddServer("three");
  options_.zones[0].servers.erase(options_.zones[0].servers.begin(),
                                  options_.zones[0].servers.begin() + 2);
  Use({2});
  EXPECT_FALSE(AllEnded());
  loop_.Advance(Milliseconds(50));
  EXPECT_EQ(answered_, 1);
  EXPECT_EQ(connector_->server(0).queries, 1);
  EXPECT_EQ(connector_->server(2).queries, 0);
  loop_.Advance(Milliseconds(50));
  EXPECT_EQ(connector_->open_connections(0), 0);
  EXPECT_TRUE(AllEnded());
}

TEST_F(ChangedServersTest, AnExchangeWhoseServersFailBeginsAgainAtTheNextOnes) {
  for (const int server : {0, 1}) {
    connector_->server(server).reply = [](const UpstreamQuery&) {
      return ScriptedReply::Silence();
    };
  }
  Ask("a.example");
  AddServer("three");
  options_.zones[0].servers.erase(options_.zones[0].servers.begin(),
                                  options_.zones[0].servers.begin() + 2);
  Use({2});
  connector_->Disconnect(0);
  connector_->Disconnect(1);
  loop_.Advance(Milliseconds(500));
  EXPECT_EQ(answered_, 1);
  EXPECT_EQ(failed_, 0);
  EXPECT_EQ(connector_->server(2).queries, 1);
}

TEST_F(ChangedServersTest, AnExchangeThatWaitsForAServerBeginsAgain) {
  for (const int server : {0, 1}) {
    connector_->server(server).connect_failure = UpstreamFailure::kConnectRefused;
    connector_->Disconnect(server);
  }
  loop_.Advance(Milliseconds(50));
  options_.mode.patient = true;
  Use({0, 1});
  Ask("a.example");
  EXPECT_EQ(answered_, 0);
  AddServer("three");
  options_.zones[0].servers.erase(options_.zones[0].servers.begin(),
                                  options_.zones[0].servers.begin() + 2);
  Use({2});
  loop_.Advance(Milliseconds(50));
  EXPECT_EQ(answered_, 1);
  EXPECT_EQ(connector_->server(2).queries, 1);
}

TEST_F(ChangedServersTest, ANewZoneTakesItsNames) {
  options_.zones.emplace_back().zone = *DomainName::FromText("corp.example");
  AddServer("private", 1);
  Use({0, 1, 2});
  Ask("www.corp.example");
  Ask("www.example");
  loop_.Advance(Milliseconds(50));
  EXPECT_EQ(answered_, 2);
  EXPECT_EQ(connector_->server(2).queries, 1);
  EXPECT_EQ(connector_->server(0).queries, 1);
  EXPECT_EQ(connector_->server(0).connects, 1);  // The root's zone is as it was.
  options_.zones.pop_back();
  Use({0, 1});
  Ask("mail.corp.example");
  loop_.Advance(Milliseconds(50));
  EXPECT_EQ(connector_->server(0).queries, 2);
  EXPECT_TRUE(AllEnded());
}

TEST_F(ChangedServersTest, AProviderThatWasTakenOutStaysOut) {
  manager_->UseProvider("one", false);
  AddServer("three");
  Use({0, 1, 2});
  Ask("a.example");
  loop_.Advance(Milliseconds(50));
  EXPECT_EQ(connector_->server(0).queries, 0);
  EXPECT_EQ(answered_, 1);
}

TEST_F(ChangedServersTest, AnotherServerOfAProviderThatWasTakenOutStaysOut) {
  manager_->UseProvider("one", false);
  std::vector<UpstreamServerOptions>& servers = options_.zones[0].servers;
  AddServer("one");
  servers.erase(servers.begin());
  std::swap(servers[0], servers[1]);
  Use({200, 1});
  Ask("a.example");
  loop_.Advance(Milliseconds(50));
  EXPECT_EQ(connector_->server(1).queries, 1);
  EXPECT_EQ(answered_, 1);
}

TEST_F(ChangedServersTest, AWeightChangesWithoutANewConnection) {
  options_.zones[0].policy = SelectionPolicy::kWeighted;
  options_.zones[0].servers[1].weight = 1000;
  Use({0, 1});
  for (int i = 0; i < 20; ++i) Ask("a.example");
  loop_.Advance(Milliseconds(50));
  EXPECT_GT(connector_->server(1).queries, 15);
  EXPECT_EQ(connector_->server(1).connects, 1);
}

TEST_F(ChangedServersTest, ManyChangesUnderLoadLoseNothing) {
  for (int i = 0; i < 200; ++i) {
    for (int query = 0; query < 5; ++query) Ask("a.example");
    loop_.Advance(Milliseconds(3));
    options_.zones[0].servers.erase(options_.zones[0].servers.begin());
    AddServer("next");
    Use({i + 1, i + 2});
    loop_.Advance(Milliseconds(4));
  }
  loop_.Advance(Seconds(1));
  EXPECT_EQ(answered_, 1000);
  EXPECT_EQ(failed_, 0);
  EXPECT_TRUE(AllEnded());
}

}  // namespace
}  // namespace dotcache
