// SPDX-License-Identifier: Apache-2.0
#include "admin/control_paths.h"

#include <set>
#include <string>
#include <vector>

#include "admin/operations.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/message_builder.h"
#include "tests/support/running_server.h"

namespace dotcache {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class RecordedOperations : public Operations {
 public:
  ReloadReport Reload() override { return report; }
  void Drain() override { drained = true; }
  void UseLogLevel(LogLevel level) override { levels.push_back(level); }

  absl::Status UseProvider(const std::string& provider, bool use) override {
    if (provider.empty()) return absl::NotFoundError("there is no provider");
    use ? void(taken_out.erase(provider)) : void(taken_out.insert(provider));
    return taken_out.size() > 1 ? absl::FailedPreconditionError("the last") : absl::OkStatus();
  }
  bool IsTakenOut(const std::string& provider) const override {
    return taken_out.contains(provider);
  }

  std::set<std::string> taken_out;
  ReloadReport report;
  bool drained = false;
  std::vector<LogLevel> levels;
};

class ControlPathsTest : public testing::Test {
 protected:
  ControlPathsTest() : server_(TestServerOptions({&upstream_})) {}
  HttpReply Send(absl::string_view method, absl::string_view path,
                 std::map<std::string, std::string> parameters = {}) {
    const auto reply =
        HandleControl(server_.server(), operations_, {method, path, std::move(parameters)});
    return reply.value_or(HttpReply{.status = 0, .content_type = "", .body = "not handled"});
  }
  void Ask(const char* name, QType type = QType::kA) {
    EXPECT_FALSE(server_.Ask(Transport::kUdp, MakeQuery(name, type)).empty());
  }
  std::string Removed(std::map<std::string, std::string> parameters) {
    return Send("POST", "/flush", std::move(parameters)).body;
  }

  LoopbackDotServer upstream_;
  RunningServer server_;
  RecordedOperations operations_;
};

TEST_F(ControlPathsTest, StatusAndUpstreamsShowNumbers) {
  Ask("www.example.com");
  EXPECT_THAT(Send("GET", "/status").body, HasSubstr("\"queries\": 1,"));
  const HttpReply upstreams = Send("GET", "/upstreams");
  EXPECT_EQ(upstreams.content_type, "application/json");
  EXPECT_THAT(upstreams.body, HasSubstr(upstream_.endpoint().ToString()));
  EXPECT_THAT(upstreams.body, HasSubstr("\"responses\": 1,"));
}

TEST_F(ControlPathsTest, ReadyIsAnErrorAfterTheAnnouncementOfTheStop) {
  Ask("www.example.com");
  EXPECT_EQ(Send("GET", "/ready").status, 200);
  server_.server().AnnounceStop();
  EXPECT_EQ(Send("GET", "/ready").status, 503);
  EXPECT_THAT(Send("GET", "/ready").body, HasSubstr("\"error\": \"not ready"));
}

TEST_F(ControlPathsTest, ProvidersAreTakenOutAndPutBack) {
  const std::string name = server_.server().upstreams()->servers.front().provider;
  EXPECT_EQ(Send("POST", "/take-out", {{"provider", name}}).status, 200);
  EXPECT_THAT(Send("GET", "/upstreams").body, HasSubstr("\"taken_out\": true"));
  EXPECT_EQ(Send("POST", "/take-out", {{"provider", "another"}}).status, 409);
  EXPECT_EQ(Send("POST", "/take-out").status, 404);
  EXPECT_THAT(Send("POST", "/put-back", {{"provider", name}}).body,
              HasSubstr("\"taken_out\": false"));
  EXPECT_THAT(Send("GET", "/upstreams").body, HasSubstr("\"taken_out\": false"));
  EXPECT_EQ(Send("GET", "/take-out", {{"provider", name}}).status, 0);
}

TEST_F(ControlPathsTest, LookupShowsTheEntryWithItsRecords) {
  EXPECT_THAT(Send("GET", "/lookup", {{"name", "www.example.com"}}).body,
              HasSubstr("\"entries\": []"));
  Ask("www.example.com");
  Ask("www.example.com");
  const std::string body =
      Send("GET", "/lookup", {{"name", "WWW.example.com."}, {"type", "a"}}).body;
  EXPECT_THAT(body, HasSubstr("\"state\": \"fresh\""));
  EXPECT_THAT(body, HasSubstr("\"hits\": 1,"));
  EXPECT_THAT(body, HasSubstr("www.example.com. "));
  // A look is no hit.
  EXPECT_EQ(Send("GET", "/lookup", {{"name", "www.example.com"}}).body, body);
  EXPECT_THAT(Send("GET", "/lookup", {{"name", "www.example.com"}, {"type", "AAAA"}}).body,
              HasSubstr("\"entries\": []"));
}

TEST_F(ControlPathsTest, LookupNamesTheProviderOfTheEntry) {
  Ask("www.example.com");
  EXPECT_THAT(
      Send("GET", "/lookup", {{"name", "www.example.com"}}).body,
      HasSubstr("\"origin\": \"" + server_.server().upstreams()->servers[0].provider + "\""));
}

TEST_F(ControlPathsTest, ExplainSaysWhereTheAnswerComesFrom) {
  const auto explain = [this](const char* name) {
    return Send("GET", "/explain", {{"name", name}}).body;
  };
  EXPECT_THAT(explain("www.example.com"), HasSubstr("\"answer_from\": \"upstream\""));
  EXPECT_THAT(explain("www.example.com"), HasSubstr("The cache has no entry"));
  Ask("www.example.com");
  EXPECT_THAT(explain("WWW.example.com"), HasSubstr("\"answer_from\": \"cache\""));
  EXPECT_THAT(explain("WWW.example.com"), HasSubstr("fresh data of kind answer from"));
  // The query had no DO, and no AAAA was queried.
  EXPECT_THAT(Send("GET", "/explain", {{"name", "www.example.com"}, {"dnssec", "1"}}).body,
              HasSubstr("\"answer_from\": \"upstream\""));
  EXPECT_THAT(Send("GET", "/explain", {{"name", "www.example.com"}, {"type", "AAAA"}}).body,
              HasSubstr("\"answer_from\": \"upstream\""));
  EXPECT_THAT(explain("a.home.arpa"), HasSubstr("\"answer_from\": \"local zone\""));
  EXPECT_EQ(Send("GET", "/explain").status, 400);
  EXPECT_EQ(Send("GET", "/explain", {{"name", "a"}, {"type", "NOTYPE"}}).status, 400);
}

TEST_F(ControlPathsTest, FlushRemovesNamesTypesAndSubtrees) {
  const auto fill = [this] {
    for (const char* name : {"example.com", "www.example.com", "a.www.example.com", "xexample.com"})
      Ask(name);
    Ask("www.example.com", QType::kAaaa);
  };
  fill();
  EXPECT_THAT(Removed({{"name", "www.example.com"}, {"type", "AAAA"}}),
              HasSubstr("\"removed\": 1"));
  EXPECT_THAT(Removed({{"name", "WWW.example.com"}}), HasSubstr("\"removed\": 1"));
  fill();
  EXPECT_THAT(Removed({{"name", "example.com"}, {"below", "1"}}), HasSubstr("\"removed\": 4"));
  EXPECT_THAT(Removed({{"name", "example.com"}, {"below", "1"}}), HasSubstr("\"removed\": 0"));
  EXPECT_THAT(Removed({{"all", "1"}}), HasSubstr("\"removed\": 1"));
  EXPECT_EQ(server_.server().cache().Stats().entries, 0u);
}

TEST_F(ControlPathsTest, WrongParametersAreErrors) {
  EXPECT_EQ(Send("GET", "/lookup").status, 400);
  EXPECT_EQ(Send("GET", "/lookup", {{"name", "a..b"}}).status, 400);
  EXPECT_EQ(Send("GET", "/lookup", {{"name", "a"}, {"type", "NOTYPE"}}).status, 400);
  EXPECT_EQ(Send("POST", "/flush").status, 400);
  EXPECT_EQ(Send("POST", "/flush", {{"name", "a"}, {"below", "1"}, {"type", "A"}}).status, 400);
  EXPECT_EQ(Send("POST", "/log-level", {{"level", "loud"}}).status, 400);
  EXPECT_EQ(Send("POST", "/nothing").status, 404);
}

// The pages of the admin address are served at the control socket too. A GET changes nothing.
TEST_F(ControlPathsTest, OtherPathsAreNotHandled) {
  EXPECT_EQ(Send("GET", "/metrics").status, 0);
  EXPECT_EQ(Send("GET", "/flush", {{"all", "1"}}).status, 0);
  EXPECT_EQ(Send("GET", "/reload").status, 0);
  EXPECT_EQ(Send("DELETE", "/flush").status, 0);
}

TEST_F(ControlPathsTest, OperationsAreCalled) {
  operations_.report.changes = {"+ rotate: off"};
  EXPECT_THAT(Send("POST", "/reload").body, HasSubstr("+ rotate: off"));
  operations_.report.errors = {"FILE:1: x"};
  const HttpReply refused = Send("POST", "/reload");
  EXPECT_EQ(refused.status, 409);
  EXPECT_THAT(refused.body, HasSubstr("FILE:1: x"));
  EXPECT_EQ(Send("POST", "/log-level", {{"level", "debug"}}).status, 200);
  EXPECT_THAT(operations_.levels, ElementsAre(LogLevel::kDebug));
  EXPECT_FALSE(operations_.drained);
  EXPECT_EQ(Send("POST", "/drain").status, 200);
  EXPECT_TRUE(operations_.drained);
}

}  // namespace
}  // namespace dotcache
