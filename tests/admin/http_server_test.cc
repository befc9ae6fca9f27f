// SPDX-License-Identifier: Apache-2.0
#include "admin/http_server.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "admin/allocated_memory.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/unique_fd.h"
#include "tests/support/running_server.h"

namespace dotcache {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// Sends the octets and returns everything received until the server closes the connection.
std::string Send(const Endpoint& endpoint, const std::string& octets) {
  const UniqueFd fd(socket(endpoint.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval patience = {10, 0};
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  if (connect(fd.get(), endpoint.address(), endpoint.address_size()) != 0) return "refused";
  EXPECT_EQ(send(fd.get(), octets.data(), octets.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(octets.size()));
  std::string received;
  char piece[4096];
  for (;;) {
    const ssize_t size = recv(fd.get(), piece, sizeof(piece), 0);
    if (size <= 0) return received;
    received.append(piece, static_cast<size_t>(size));
  }
}

std::string Request(const Endpoint& endpoint, const std::string& method, const std::string& path,
                    const std::string& body = "") {
  return Send(endpoint,
              absl::StrCat(method, " ", path, " HTTP/1.1\r\nHost: localhost\r\n",
                           "Connection: close\r\nContent-Length: ", body.size(), "\r\n\r\n", body));
}

class HttpServerTest : public testing::Test {
 protected:
  void SetUp() override {
    auto http = HttpServer::Open(*Endpoint::Parse("127.0.0.1:0"), server_.server());
    ASSERT_TRUE(http.ok()) << http.status();
    http_ = *std::move(http);
    endpoint_ = http_->local_endpoint();
    ASSERT_NE(endpoint_.port(), 0);
  }

  LoopbackDotServer upstream_;
  RunningServer server_{TestServerOptions({&upstream_})};
  std::unique_ptr<HttpServer> http_;
  Endpoint endpoint_;
};

TEST_F(HttpServerTest, HealthIsOkWhileTheProcessAnswers) {
  EXPECT_THAT(Request(endpoint_, "GET", "/health"), StartsWith("HTTP/1.1 200"));
  server_.server().Shutdown();
  EXPECT_THAT(Request(endpoint_, "GET", "/health"), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, ReadyFollowsTheServer) {
  ASSERT_TRUE(server_.WaitUntilReady());
  EXPECT_THAT(Request(endpoint_, "GET", "/ready"), StartsWith("HTTP/1.1 200"));
  server_.server().Shutdown();
  EXPECT_THAT(Request(endpoint_, "GET", "/ready"), StartsWith("HTTP/1.1 503"));
}

TEST_F(HttpServerTest, NotReadyBeforeAnUpstreamServerIsConnected) {
  upstream_.Stop();
  RunningServer lonely(TestServerOptions({&upstream_}));
  AllocatedMemory memory;
  const HttpReply reply = HandleHttp(lonely.server(), memory, {"GET", "/ready"});
  EXPECT_EQ(reply.status, 503);
  EXPECT_THAT(reply.body, HasSubstr("not ready"));
}

TEST_F(HttpServerTest, MetricsAreServedAsPrometheusText) {
  const std::string reply = Request(endpoint_, "GET", "/metrics");
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(reply, HasSubstr("Content-Type: text/plain; version=0.0.4; charset=utf-8"));
  EXPECT_THAT(reply, HasSubstr("\ndotcache_queries_total{transport=\"udp\"} 0"));
}

TEST_F(HttpServerTest, ExplainShowsTheServersOfANameAndWhy) {
  ASSERT_TRUE(server_.WaitUntilReady());
  const std::string reply = Request(endpoint_, "GET", "/explain?name=www.example.com");
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(reply, HasSubstr("Content-Type: application/json"));
  EXPECT_THAT(reply, HasSubstr("\"zone\": \".\""));
  EXPECT_THAT(reply, HasSubstr(upstream_.endpoint().ToString()));
  EXPECT_THAT(reply, HasSubstr("\"state\": \"up\""));
  EXPECT_THAT(reply, HasSubstr("first in the order written"));
}

TEST_F(HttpServerTest, ExplainIsForbiddenForHostNamesOfWebSites) {
  const auto ask = [this](const std::string& path, const std::string& host) {
    return Send(endpoint_, absl::StrCat("GET ", path, " HTTP/1.0\r\n", host, "\r\n"));
  };
  const std::string explain = "/explain?name=www.example.com";
  for (const char* host : {"Host: rebind.example\r\n", "hOsT: rebind.example:9153\r\n"}) {
    const std::string reply = ask(explain, host);
    EXPECT_THAT(reply, HasSubstr(" 403 ")) << host;
    EXPECT_THAT(reply, testing::Not(HasSubstr("zone"))) << host;
    EXPECT_THAT(ask("/metrics", host), HasSubstr(" 200 ")) << host;
  }
  for (const char* host : {"", "Host: 127.0.0.1:9153\r\n", "Host: [::1]\r\n"}) {
    EXPECT_THAT(ask(explain, host), HasSubstr(" 200 ")) << host;
  }
}

TEST_F(HttpServerTest, ExplainNeedsAName) {
  for (const char* path : {"/explain", "/explain?name=a..b", "/explain?nam=www.example.com"}) {
    EXPECT_THAT(Request(endpoint_, "GET", path), StartsWith("HTTP/1.1 400")) << path;
  }
  server_.server().Shutdown();
  EXPECT_THAT(Request(endpoint_, "GET", "/explain?name=www.example.com"),
              StartsWith("HTTP/1.1 503"));
}

TEST_F(HttpServerTest, HeadHasNoBody) {
  const std::string reply = Request(endpoint_, "HEAD", "/health");
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(reply, HasSubstr("Content-Length: 3"));
  EXPECT_THAT(reply, testing::EndsWith("\r\n\r\n"));
}

TEST_F(HttpServerTest, OtherPathsAreNotFoundAndListThePaths) {
  for (const char* path : {"/", "/metrics/", "/ready/../metrics", "/healthz"}) {
    const std::string reply = Request(endpoint_, "GET", path);
    EXPECT_THAT(reply, StartsWith("HTTP/1.1 404")) << path;
    EXPECT_THAT(reply, HasSubstr("/metrics, /health, /ready and /explain"));
  }
}

TEST_F(HttpServerTest, OtherMethodsAreNotAllowed) {
  for (const char* method : {"POST", "PUT", "DELETE"}) {
    const std::string reply = Request(endpoint_, method, "/metrics", "body");
    EXPECT_THAT(reply, StartsWith("HTTP/1.1 405")) << method;
    EXPECT_THAT(reply, HasSubstr("Allow: GET, HEAD"));
  }
}

TEST_F(HttpServerTest, InvalidHttpIsRejectedAndDoesNoHarm) {
  const std::string long_header(20'000, 'x');
  for (const std::string& octets :
       {std::string("NONSENSE\r\n\r\n"),
        absl::StrCat("GET /health HTTP/1.1\r\nX: ", long_header, "\r\n\r\n")}) {
    EXPECT_THAT(Send(endpoint_, octets), testing::Not(StartsWith("HTTP/1.1 200")));
  }
  EXPECT_THAT(Request(endpoint_, "GET", "/health"), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, UsedPortIsAnErrorThatNamesIt) {
  const auto second = HttpServer::Open(endpoint_, server_.server());
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(endpoint_.ToString()));
}

TEST_F(HttpServerTest, DestructorClosesThePort) {
  http_.reset();
  EXPECT_EQ(Request(endpoint_, "GET", "/health"), "refused");
}

}  // namespace
}  // namespace dotcache
