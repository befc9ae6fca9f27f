// SPDX-License-Identifier: Apache-2.0
#include "cmd/control_client.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "net/unix_socket.h"
#include "tests/support/test_directory.h"

namespace dotcache {
namespace {

TEST(ControlClientTest, ParametersAreEscaped) {
  EXPECT_EQ(TargetOf("/status", {}), "/status");
  EXPECT_EQ(TargetOf("/flush", {{"name", "_a-b.c"}, {"type", "A&b=1 #\xff"}}),
            "/flush?name=_a-b.c&type=A%26b%3D1%20%23%FF");
}

// Sends a request to a server that replies with these octets and closes.
absl::StatusOr<ControlReply> RepliedWith(const std::string& octets) {
  const TestDirectory directory;
  const std::string path = directory.Path("control.socket");
  auto listener = UnixPath::Listen(path, /*replace=*/true);
  EXPECT_TRUE(listener.ok()) << listener.status();
  const UniqueFd fd = listener->TakeFd();
  std::thread server([&] {
    UniqueFd client;
    while (!client.valid()) client = UniqueFd(accept(fd.get(), nullptr, nullptr));
    char request[256];
    const ssize_t size = read(client.get(), request, sizeof request);
    EXPECT_EQ(std::string(request, static_cast<size_t>(size)), "GET /status HTTP/1.0\r\n\r\n");
    EXPECT_EQ(write(client.get(), octets.data(), octets.size()),
              static_cast<ssize_t>(octets.size()));
  });
  auto reply = SendControl(path, "GET", "/status");
  server.join();
  return reply;
}

TEST(ControlClientTest, ReplyHasStatusAndBody) {
  const auto reply = RepliedWith("HTTP/1.0 409 Conflict\r\nA: b\r\n\r\nbody\r\n\r\nrest");
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->status, 409);
  EXPECT_EQ(reply->body, "body\r\n\r\nrest");
}

TEST(ControlClientTest, BrokenReplyIsAnError) {
  EXPECT_FALSE(RepliedWith("").ok());
  EXPECT_FALSE(RepliedWith("HTTP/1.0 200 OK\r\n").ok());
  EXPECT_FALSE(RepliedWith("nonsense\r\n\r\n").ok());
}

TEST(ControlClientTest, WithoutAServerTheErrorNamesThePath) {
  const auto reply = SendControl("/nonexistent/control.sock", "GET", "/status");
  EXPECT_NE(reply.status().message().find("/nonexistent/control.sock"), std::string::npos);
}

}  // namespace
}  // namespace dotcache
