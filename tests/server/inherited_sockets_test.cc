// SPDX-License-Identifier: Apache-2.0
#include "server/inherited_sockets.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "net/listen_socket.h"

namespace dotcache {
namespace {

InheritedSocket Socket(const char* endpoint, bool is_udp) {
  return {"dns", *Endpoint::Parse(endpoint), is_udp, nullptr};
}

TEST(InheritedSocketsTest, SocketsOfAnotherProcessAreIgnored) {
  const auto none = TakeInheritedSockets("1", "2", "a:b");
  ASSERT_TRUE(none.ok());
  EXPECT_TRUE(none->empty());
  EXPECT_TRUE(TakeInheritedSockets("", "", "")->empty());
}

TEST(InheritedSocketsTest, WrongCountIsAnError) {
  EXPECT_FALSE(TakeInheritedSockets(absl::StrCat(getpid()), "many", "").ok());
  EXPECT_FALSE(TakeInheritedSockets(absl::StrCat(getpid()), "-1", "").ok());
}

TEST(InheritedSocketsTest, ListenerIsFoundByAddressAndKind) {
  const InheritedSockets sockets = {Socket("127.0.0.1:53", true), Socket("127.0.0.1:53", false),
                                    Socket("127.0.0.1:853", false)};
  const Endpoint dns = *Endpoint::Parse("127.0.0.1:53");
  EXPECT_EQ(FindInherited(sockets, {Transport::kUdp, dns}), &sockets[0]);
  EXPECT_EQ(FindInherited(sockets, {Transport::kTcp, dns}), &sockets[1]);
  EXPECT_EQ(FindInherited(sockets, {Transport::kDot, *Endpoint::Parse("127.0.0.1:853")}),
            &sockets[2]);
  EXPECT_EQ(FindInherited(sockets, {Transport::kUdp, *Endpoint::Parse("127.0.0.1:54")}), nullptr);
}

TEST(InheritedSocketsTest, SocketWithoutAListenerIsNamed) {
  const Endpoint dns = *Endpoint::Parse("127.0.0.1:53");
  const InheritedSockets sockets = {Socket("127.0.0.1:53", true), Socket("127.0.0.1:53", false)};
  EXPECT_TRUE(CheckAllUsed(sockets, {{Transport::kUdp, dns}, {Transport::kTcp, dns}}).ok());
  const absl::Status unused = CheckAllUsed(sockets, {{Transport::kUdp, dns}});
  EXPECT_NE(unused.message().find("dns (tcp 127.0.0.1:53)"), std::string::npos) << unused;
}

}  // namespace
}  // namespace dotcache
