// SPDX-License-Identifier: Apache-2.0
#include "net/outgoing_socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <vector>

#include "net/listen_socket.h"
#include "net/udp_channel.h"

namespace dotcache {
namespace {

using ::testing::HasSubstr;

OutgoingOptions From(absl::string_view v4) {
  OutgoingOptions options;
  options.source_v4 = *Endpoint::ParseAddress(v4, 0);
  return options;
}

TEST(OutgoingSocketTest, UsesTheSourceAddressAndAPortChosenByTheKernel) {
  const UniqueFd peer = *BindUdp(*Endpoint::Parse("127.0.0.1:0"));
  const auto fd = ConnectUdp(LocalEndpoint(peer.get()), From("127.0.0.2"));
  ASSERT_TRUE(fd.ok()) << fd.status();
  EXPECT_EQ(LocalEndpoint(fd->get()).AddressToString(), "127.0.0.2");
  EXPECT_NE(LocalEndpoint(fd->get()).port(), 0);
}

TEST(OutgoingSocketTest, TcpSocketIsBoundWithoutAPortBeforeItConnects) {
  const Endpoint remote = *Endpoint::Parse("127.0.0.1:1");
  const UniqueFd fd = OpenOutgoing(remote, OutgoingKind::kTcp, From("127.0.0.2"));
  ASSERT_TRUE(fd.valid());
  EXPECT_EQ(LocalEndpoint(fd.get()).ToString(), "127.0.0.2:0");  // No port is reserved yet.
}

TEST(OutgoingSocketTest, FamilyWithoutASourceIsNotBound) {
  const UniqueFd fd =
      OpenOutgoing(*Endpoint::Parse("[::1]:1"), OutgoingKind::kUdp, From("127.0.0.2"));
  if (!fd.valid() && errno == EAFNOSUPPORT) GTEST_SKIP() << "this machine has no IPv6";
  ASSERT_TRUE(fd.valid());
  EXPECT_TRUE(LocalEndpoint(fd.get()).is_wildcard());
}

TEST(OutgoingSocketTest, Ipv6SourceIsBoundWithoutAPort) {
  OutgoingOptions options;
  options.source_v6 = *Endpoint::ParseAddress("::1", 0);
  const UniqueFd fd = OpenOutgoing(*Endpoint::Parse("[::1]:1"), OutgoingKind::kTcp, options);
  if (!fd.valid()) GTEST_SKIP() << "this machine has no ::1";
  EXPECT_EQ(LocalEndpoint(fd.get()).ToString(), "[::1]:0");
}

TEST(OutgoingSocketTest, MissingSourceAddressMakesTheServerUnreachable) {
  const Endpoint remote = *Endpoint::Parse("127.0.0.1:1");
  EXPECT_FALSE(OpenOutgoing(remote, OutgoingKind::kTcp, From("192.0.2.1")).valid());
  EXPECT_EQ(errno, EADDRNOTAVAIL);
  EXPECT_TRUE(absl::IsUnavailable(ConnectUdp(remote, From("192.0.2.1")).status()));
}

TEST(OutgoingSocketTest, SetsTheMark) {
  OutgoingOptions options;
  options.mark = 0xfedcba98;
  if (!CheckMark(options.mark).ok()) GTEST_SKIP() << "SO_MARK needs CAP_NET_ADMIN";
  for (const OutgoingKind kind : {OutgoingKind::kUdp, OutgoingKind::kTcp}) {
    const UniqueFd fd = OpenOutgoing(*Endpoint::Parse("127.0.0.1:1"), kind, options);
    ASSERT_TRUE(fd.valid());
    uint32_t mark = 0;
    socklen_t size = sizeof mark;
    ASSERT_EQ(getsockopt(fd.get(), SOL_SOCKET, SO_MARK, &mark, &size), 0);
    EXPECT_EQ(mark, options.mark);
  }
}

TEST(OutgoingSocketTest, CheckErrorsNameTheMissingAddressOrCapability) {
  EXPECT_TRUE(CheckSource(*Endpoint::ParseAddress("127.0.0.2", 0)).ok());
  const absl::Status status = CheckSource(*Endpoint::ParseAddress("192.0.2.1", 0));
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("192.0.2.1"));
  EXPECT_TRUE(CheckMark(0).ok());
}

}  // namespace
}  // namespace dotcache
