// SPDX-License-Identifier: Apache-2.0
#include "admin/http_server.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "admin/allocated_memory.h"
#include "admin/http_host.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/unique_fd.h"
#include "tests/support/running_server.h"

namespace dotcache {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

bool SendAll(int fd, const std::string& octets) {
  return send(fd, octets.data(), octets.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(octets.size());
}

// Everything until the server closes the connection, or 10 s without any octet.
std::string ReceiveAll(int fd) {
  std::string received;
  char piece[4096];
  for (;;) {
    const ssize_t size = recv(fd, piece, sizeof(piece), 0);
    if (size < 0 && errno == EAGAIN) return received + "(open)";
    if (size <= 0) return received;
    received.append(piece, static_cast<size_t>(size));
  }
}

UniqueFd Connect(const Endpoint& endpoint) {
  UniqueFd fd(socket(endpoint.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval patience = {10, 0};
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  if (connect(fd.get(), endpoint.address(), endpoint.address_size()) != 0) return UniqueFd();
  return fd;
}

// Sends the octets and returns everything received until the server closes the connection.
std::string Send(const Endpoint& endpoint, const std::string& octets) {
  const UniqueFd fd = Connect(endpoint);
  if (fd.get() < 0) return "refused";
  EXPECT_TRUE(SendAll(fd.get(), octets));
  return ReceiveAll(fd.get());
}

// A connection whose request stops inside a header.
UniqueFd SendPart(const Endpoint& endpoint) {
  UniqueFd fd = Connect(endpoint);
  EXPECT_TRUE(SendAll(fd.get(), "GET /health HTTP/1.1\r\nHost: localhost\r\nX: x"));
  return fd;
}

std::string Request(const Endpoint& endpoint, const std::string& method, const std::string& path,
                    const std::string& body = "") {
  return Send(endpoint,
              absl::StrCat(method, " ", path, " HTTP/1.1\r\nHost: localhost\r\n",
                           "Connection: close\r\nContent-Length: ", body.size(), "\r\n\r\n", body));
}

class HttpServerTest : public testing::Test {
 protected:
  void SetUp() override { Open({}); }

  void Open(const HttpOptions& options) {
    auto http = HttpServer::Open(HttpServer::Bind(*Endpoint::Parse("127.0.0.1:0")).value(),
                                 server_.server(), options);
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
  const HttpReply reply = HandleHttp(lonely.server(), memory, {}, {"GET", "/ready"});
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
  EXPECT_THAT(reply, HasSubstr("first in the configuration"));
  EXPECT_THAT(reply, HasSubstr("\"answer_from\": \"upstream\""));
}

TEST_F(HttpServerTest, StateIsJson) {
  ASSERT_TRUE(server_.WaitUntilReady());
  const std::string json = "Content-Type: application/json";
  EXPECT_THAT(Request(endpoint_, "GET", "/status"),
              AllOf(HasSubstr(json), HasSubstr("\"queries\": 0,")));
  EXPECT_THAT(Request(endpoint_, "GET", "/upstreams"),
              AllOf(HasSubstr(json), HasSubstr(upstream_.endpoint().ToString()),
                    HasSubstr("\"taken_out\": false")));
  // The label "a.b" with an escaped dot, and the type in lower case.
  EXPECT_THAT(Request(endpoint_, "GET", "/lookup?name=a%5C.b.Example%2E&type=aaaa"),
              AllOf(HasSubstr(json), HasSubstr(R"("name": "a\\.b.example.")"),
                    HasSubstr("\"type\": \"AAAA\""), HasSubstr("\"entries\": []")));
  EXPECT_THAT(Request(endpoint_, "HEAD", "/status"),
              AllOf(StartsWith("HTTP/1.1 200"), testing::EndsWith("\r\n\r\n")));
}

TEST_F(HttpServerTest, WrongNameOrTypeIsAnErrorInJson) {
  for (const char* path : {"/lookup", "/lookup?name=a..b", "/explain?name=a&type=NOTYPE"}) {
    EXPECT_THAT(Request(endpoint_, "GET", path),
                AllOf(StartsWith("HTTP/1.1 400"), HasSubstr("{\n  \"error\": \"")))
        << path;
  }
}

TEST_F(HttpServerTest, ReadyIsJsonForAClientThatAcceptsIt) {
  ASSERT_TRUE(server_.WaitUntilReady());
  const auto ask = [this](const std::string& accept) {
    return Send(endpoint_, absl::StrCat("GET /ready HTTP/1.0\r\n", accept, "\r\n"));
  };
  EXPECT_THAT(ask(""), testing::EndsWith("\r\n\r\nOK\n"));
  EXPECT_THAT(ask("Accept: */*\r\n"), testing::EndsWith("\r\n\r\nOK\n"));
  EXPECT_THAT(ask("Accept: application/json\r\n"), HasSubstr("\"ready\": true"));
  server_.server().AnnounceStop();
  EXPECT_THAT(ask("Accept: application/json\r\n"),
              AllOf(HasSubstr(" 503 "), HasSubstr("\"error\": \"not ready")));
}

TEST_F(HttpServerTest, CommandsAndFrequentNamesAreNotServed) {
  for (const char* path : {"/top", "/watch"}) {
    EXPECT_THAT(Request(endpoint_, "GET", path), StartsWith("HTTP/1.1 404")) << path;
  }
  for (const char* path : {"/top", "/flush?all=1", "/reload", "/drain", "/status"}) {
    EXPECT_THAT(Request(endpoint_, "POST", path), StartsWith("HTTP/1.1 405")) << path;
  }
}

TEST_F(HttpServerTest, EveryPathIsForbiddenForHostNamesOfWebSites) {
  Open({.host_names = {"dns.example"}});
  const auto ask = [this](const std::string& path, const std::string& host) {
    return Send(endpoint_, absl::StrCat("GET ", path, " HTTP/1.0\r\n", host, "\r\n"));
  };
  for (const char* path :
       {"/metrics", "/explain?name=www.example.com", "/lookup?name=www.example.com", "/status",
        "/upstreams", "/health", "/other"}) {
    for (const char* host : {"Host: rebind.example\r\n", "hOsT: rebind.example:9153\r\n"}) {
      const std::string reply = ask(path, host);
      EXPECT_THAT(reply, HasSubstr(" 403 ")) << path << host;
      EXPECT_THAT(reply, testing::Not(HasSubstr("zone"))) << path << host;
    }
  }
  const std::string own = absl::StrCat("Host: ", MachineName(), ":9153\r\n");
  for (const std::string& host :
       std::vector<std::string>{"", "Host: 127.0.0.1:9153\r\n", "Host: [::1]\r\n",
                                "Host: 10.1.2.3:9153\r\n", "Host: dns.example:9153\r\n", own}) {
    for (const char* path : {"/metrics", "/explain?name=www.example.com", "/health"}) {
      EXPECT_THAT(ask(path, host), HasSubstr(" 200 ")) << path << host;
    }
  }
}

TEST_F(HttpServerTest, UnfinishedRequestsKeepNoProbeOut) {
  std::vector<UniqueFd> slow;
  for (int i = 0; i < 200; ++i) slow.push_back(SendPart(endpoint_));
  for (int i = 0; i < 13; ++i) {
    ASSERT_THAT(Request(endpoint_, "GET", "/health"), StartsWith("HTTP/1.1 200")) << i;
    slow.push_back(SendPart(endpoint_));
  }
}

TEST_F(HttpServerTest, AClientLosesItsOldestConnectionAtItsLimit) {
  Open({.limits = {.per_client = 2}});
  const UniqueFd first = SendPart(endpoint_);
  const UniqueFd second = SendPart(endpoint_);
  EXPECT_THAT(Request(endpoint_, "GET", "/health"), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(ReceiveAll(first.get()), "");  // Closed. The patience of the socket is longer.
  EXPECT_EQ(SendAll(second.get(), "\r\nConnection: close\r\n\r\n"), true);
  EXPECT_THAT(ReceiveAll(second.get()), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, ARequestHasAnAbsoluteTime) {
  Open({.limits = {.request_time = Milliseconds(200)}});
  const UniqueFd fd = SendPart(endpoint_);
  const timeval pause = {0, 10'000};
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &pause, sizeof(pause));
  // One octet of the header each 10 ms, for at most 20 s.
  int sent = 0;
  char octet;
  while (sent < 2000 && SendAll(fd.get(), "x") && recv(fd.get(), &octet, 1, 0) < 0 &&
         errno == EAGAIN) {
    ++sent;
  }
  EXPECT_LT(sent, 2000) << "the connection is still open";
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
  for (const char* path : {"/metrics/", "/ready/../metrics", "/healthz"}) {
    const std::string reply = Request(endpoint_, "GET", path);
    EXPECT_THAT(reply, StartsWith("HTTP/1.1 404")) << path;
    EXPECT_THAT(reply,
                HasSubstr("/metrics, /health, /ready, /status, /upstreams, /lookup and /explain"));
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
  const auto second = HttpServer::Bind(endpoint_);
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(endpoint_.ToString()));
}

TEST_F(HttpServerTest, DestructorClosesThePort) {
  http_.reset();
  EXPECT_EQ(Request(endpoint_, "GET", "/health"), "refused");
}

}  // namespace
}  // namespace dotcache
