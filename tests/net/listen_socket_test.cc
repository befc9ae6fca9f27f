// SPDX-License-Identifier: Apache-2.0
#include "net/listen_socket.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

namespace dotcache {
namespace {

using ::testing::HasSubstr;

const Endpoint kLoopback = *Endpoint::Parse("127.0.0.1:0");

int Option(int fd, int level, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  EXPECT_EQ(getsockopt(fd, level, option, &value, &size), 0);
  return value;
}

TEST(ListenSocketTest, SocketsAreNonBlockingCloseOnExecAndShared) {
  for (bool udp : {true, false}) {
    absl::StatusOr<UniqueFd> fd = udp ? BindUdp(kLoopback) : BindTcp(kLoopback);
    ASSERT_TRUE(fd.ok()) << fd.status();
    EXPECT_TRUE(fcntl(fd->get(), F_GETFL) & O_NONBLOCK);
    EXPECT_TRUE(fcntl(fd->get(), F_GETFD) & FD_CLOEXEC);
    EXPECT_EQ(Option(fd->get(), SOL_SOCKET, SO_REUSEPORT), 1);
    EXPECT_EQ(Option(fd->get(), SOL_SOCKET, SO_ACCEPTCONN), udp ? 0 : 1);
    EXPECT_NE(LocalEndpoint(fd->get()).port(), 0);
  }
}

TEST(ListenSocketTest, AnAbsentAddressIsBoundOnRequest) {
  for (const char* text : {"192.0.2.77:0", "[2001:db8::77]:0"}) {
    const Endpoint absent = *Endpoint::Parse(text);
    EXPECT_TRUE(absl::IsUnavailable(BindUdp(absent).status()));
    EXPECT_TRUE(absl::IsUnavailable(CheckEndpointFree(absent, SocketKind::kUdp)));
    const auto udp = BindUdp(absent, AbsentAddress::kBind);
    if (absent.is_v6() && udp.status().message().find("has no IPv6") != std::string::npos) continue;
    ASSERT_TRUE(udp.ok()) << udp.status();
    EXPECT_TRUE(BindTcp(absent, 16, AbsentAddress::kBind).ok());
    const Endpoint bound = LocalEndpoint(udp->get());
    EXPECT_TRUE(
        absl::IsAlreadyExists(CheckEndpointFree(bound, SocketKind::kUdp, AbsentAddress::kBind)));
  }
}

TEST(ListenSocketTest, UdpSocketsHaveLargeBuffersThatNeverShrink) {
  const absl::StatusOr<UniqueFd> fd = BindUdp(kLoopback);
  ASSERT_TRUE(fd.ok()) << fd.status();
  constexpr int kLarge = 5 << 20;
  if (setsockopt(fd->get(), SOL_SOCKET, SO_RCVBUFFORCE, &kLarge, sizeof kLarge) != 0) {
    GTEST_SKIP() << "needs CAP_NET_ADMIN";
  }
  EnlargeBuffers(fd->get());
  EXPECT_EQ(Option(fd->get(), SOL_SOCKET, SO_RCVBUF), 2 * kLarge);  // The kernel doubles it.
  const absl::StatusOr<UniqueFd> other = BindUdp(kLoopback);
  ASSERT_TRUE(other.ok()) << other.status();
  EXPECT_GE(Option(other->get(), SOL_SOCKET, SO_RCVBUF), 4 << 20);
  EXPECT_GE(Option(other->get(), SOL_SOCKET, SO_SNDBUF), 4 << 20);
}

TEST(ListenSocketTest, SeveralWorkersShareOneEndpoint) {
  absl::StatusOr<UniqueFd> udp = BindUdp(kLoopback);
  ASSERT_TRUE(udp.ok());
  EXPECT_TRUE(BindUdp(LocalEndpoint(udp->get())).ok());
  absl::StatusOr<UniqueFd> tcp = BindTcp(kLoopback);
  ASSERT_TRUE(tcp.ok());
  EXPECT_TRUE(BindTcp(LocalEndpoint(tcp->get())).ok());
}

TEST(ListenSocketTest, CheckFindsAPortInUseEvenByAWorkersSocket) {
  absl::StatusOr<UniqueFd> udp = BindUdp(kLoopback);
  const Endpoint udp_endpoint = LocalEndpoint(udp->get());
  absl::Status status = CheckEndpointFree(udp_endpoint, SocketKind::kUdp);
  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr(absl::StrCat("cannot listen on udp ", udp_endpoint.ToString(),
                                     ": another program has this port")));

  absl::StatusOr<UniqueFd> tcp = BindTcp(kLoopback);
  status = CheckEndpointFree(LocalEndpoint(tcp->get()), SocketKind::kTcp);
  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
}

TEST(ListenSocketTest, CheckDoesNotOccupyAFreePort) {
  Endpoint endpoint;
  {
    absl::StatusOr<UniqueFd> fd = BindUdp(kLoopback);
    endpoint = LocalEndpoint(fd->get());
  }
  EXPECT_TRUE(CheckEndpointFree(endpoint, SocketKind::kUdp).ok());
  EXPECT_TRUE(CheckEndpointFree(endpoint, SocketKind::kUdp).ok());
  EXPECT_TRUE(BindUdp(endpoint).ok());
}

TEST(ListenSocketTest, AddressOfAnotherMachineIsUnavailable) {
  absl::StatusOr<UniqueFd> fd = BindTcp(*Endpoint::Parse("198.51.100.1:5300"));
  EXPECT_EQ(fd.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(fd.status().message()),
              HasSubstr("cannot listen on tcp 198.51.100.1:5300: this machine does not have the "
                        "address"));
}

TEST(ListenSocketTest, ErrorForAPrivilegedPortNamesTheCapability) {
  int first_free_port = 1024;
  std::ifstream("/proc/sys/net/ipv4/ip_unprivileged_port_start") >> first_free_port;
  if (first_free_port <= 1) GTEST_SKIP() << "any process may bind port 1 on this machine";
  // In a child process, because a process cannot regain the rights that it gave up.
  EXPECT_EXIT(
      {
        if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0) _exit(2);
        absl::Status status = CheckEndpointFree(*Endpoint::Parse("127.0.0.1:1"), SocketKind::kTcp);
        std::fprintf(stderr, "%s", status.ToString().c_str());
        _exit(status.code() == absl::StatusCode::kPermissionDenied ? 0 : 1);
      },
      ::testing::ExitedWithCode(0),
      "cannot listen on tcp 127.0.0.1:1: permission denied; ports below 1024 need root, "
      "CAP_NET_BIND_SERVICE .setcap cap_net_bind_service=.ep, with upstream-mark "
      "cap_net_bind_service,cap_net_admin=.ep, or ");
}

TEST(ListenSocketTest, Ipv6SocketDoesNotOccupyTheIpv4Port) {
  absl::StatusOr<UniqueFd> v6 = BindUdp(*Endpoint::Parse("[::]:0"));
  if (!v6.ok()) {
    EXPECT_EQ(v6.status().code(), absl::StatusCode::kUnavailable);
    GTEST_SKIP() << "this machine has no IPv6";
  }
  EXPECT_EQ(Option(v6->get(), IPPROTO_IPV6, IPV6_V6ONLY), 1);
  Endpoint v4;
  v4.set_port(LocalEndpoint(v6->get()).port());
  EXPECT_TRUE(CheckEndpointFree(v4, SocketKind::kUdp).ok());
}

TEST(ListenSocketTest, InvalidDescriptorHasNoEndpoint) { EXPECT_EQ(LocalEndpoint(-1), Endpoint()); }

}  // namespace
}  // namespace dotcache
