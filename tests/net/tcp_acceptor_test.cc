// SPDX-License-Identifier: Apache-2.0
#include "net/tcp_acceptor.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/resource.h>

#include <utility>
#include <vector>

#include "net/listen_socket.h"
#include "net/uv_loop.h"

namespace dotcache {
namespace {

class Keeper : public TcpAcceptor::Delegate {
 public:
  void OnAccept(UniqueFd fd, const Endpoint& remote) override {
    remotes.push_back(remote);
    if (keep) fds.push_back(std::move(fd));
  }

  bool keep = true;
  std::vector<UniqueFd> fds;
  std::vector<Endpoint> remotes;
};

// A client whose connection the kernel has established.
UniqueFd Connected(const Endpoint& server) {
  UniqueFd fd(socket(server.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (connect(fd.get(), server.address(), server.address_size()) != 0) fd.reset();
  return fd;
}

// An acceptor and its endpoint. The acceptor is null when this machine lacks the address.
std::pair<std::unique_ptr<TcpAcceptor>, Endpoint> OpenOn(UvLoop& loop, absl::string_view endpoint,
                                                         TcpAcceptor::Delegate& delegate) {
  absl::StatusOr<UniqueFd> fd = BindTcp(*Endpoint::Parse(endpoint));
  if (!fd.ok()) return {};
  const Endpoint bound = LocalEndpoint(fd->get());
  return {*TcpAcceptor::Open(loop, *std::move(fd), delegate), bound};
}

TEST(TcpAcceptorTest, PassesConnectionsWithTheirRemoteEndpoint) {
  UvLoop loop;
  Keeper keeper;
  auto [acceptor, endpoint] = OpenOn(loop, "127.0.0.1:0", keeper);
  UniqueFd client = Connected(endpoint);
  while (keeper.fds.empty()) loop.RunOnce();
  EXPECT_EQ(keeper.remotes[0], LocalEndpoint(client.get()));
  const int fd = keeper.fds[0].get();
  EXPECT_TRUE(fcntl(fd, F_GETFL) & O_NONBLOCK);
  EXPECT_TRUE(fcntl(fd, F_GETFD) & FD_CLOEXEC);
  int no_delay = 0;
  socklen_t size = sizeof no_delay;
  getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &no_delay, &size);
  EXPECT_EQ(no_delay, 1);
}

TEST(TcpAcceptorTest, AcceptsOverIpv6) {
  UvLoop loop;
  Keeper keeper;
  auto [acceptor, endpoint] = OpenOn(loop, "[::1]:0", keeper);
  if (acceptor == nullptr) GTEST_SKIP() << "this machine has no ::1";
  UniqueFd client = Connected(endpoint);
  while (keeper.fds.empty()) loop.RunOnce();
  EXPECT_EQ(keeper.remotes[0], LocalEndpoint(client.get()));
}

TEST(TcpAcceptorTest, DroppedDescriptorClosesTheConnection) {
  UvLoop loop;
  Keeper keeper;
  keeper.keep = false;
  auto [acceptor, endpoint] = OpenOn(loop, "127.0.0.1:0", keeper);
  UniqueFd client = Connected(endpoint);
  while (keeper.remotes.empty()) loop.RunOnce();
  char octet;
  EXPECT_EQ(recv(client.get(), &octet, 1, 0), 0);
}

TEST(TcpAcceptorTest, AcceptsAFloodInSeveralTurns) {
  UvLoop loop;
  Keeper keeper;
  auto [acceptor, endpoint] = OpenOn(loop, "127.0.0.1:0", keeper);
  std::vector<UniqueFd> clients;
  for (int i = 0; i < 100; ++i) clients.push_back(Connected(endpoint));
  loop.RunOnce();
  EXPECT_EQ(keeper.fds.size(), 64u);
  loop.RunOnce();
  EXPECT_EQ(keeper.fds.size(), 100u);
}

TEST(TcpAcceptorTest, PausesWithoutDescriptorsAndRecovers) {
  UvLoop loop;
  Keeper keeper;
  auto [acceptor, endpoint] = OpenOn(loop, "127.0.0.1:0", keeper);
  UniqueFd client = Connected(endpoint);
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  UniqueFd probe(dup(0));
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(probe.get());
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  while (acceptor->back_offs() == 0) loop.RunOnce();
  for (int i = 0; i < 10; ++i) loop.RunOnce();
  const uint64_t back_offs = acceptor->back_offs();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(keeper.fds.empty());
  EXPECT_LE(back_offs, 2u);
  while (keeper.fds.empty()) loop.RunOnce();
}

TEST(TcpAcceptorTest, DestroyedAcceptorRefusesConnections) {
  UvLoop loop;
  Keeper keeper;
  auto [acceptor, endpoint] = OpenOn(loop, "127.0.0.1:0", keeper);
  acceptor.reset();
  EXPECT_FALSE(Connected(endpoint).valid());
}

}  // namespace
}  // namespace dotcache
