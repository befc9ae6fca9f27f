// SPDX-License-Identifier: Apache-2.0
// A blocking UDP socket for tests.
#ifndef DOTCACHE_TESTS_SUPPORT_UDP_PEER_H_
#define DOTCACHE_TESTS_SUPPORT_UDP_PEER_H_

#include <sys/socket.h>
#include <sys/time.h>

#include <string>

#include "gtest/gtest.h"
#include "net/listen_socket.h"

namespace dotcache {

// A blocking UDP socket on loopback, the other end of the socket under test.
class TestUdpPeer {
 public:
  // Not by BindUdp(): with SO_REUSEPORT two peers may get the same port.
  explicit TestUdpPeer(absl::string_view address = "127.0.0.1:0") {
    const Endpoint local = *Endpoint::Parse(address);
    fd_ = UniqueFd(socket(local.address()->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(bind(fd_.get(), local.address(), local.address_size()), 0);
    const timeval limit{60, 0};  // A missing datagram fails the test instead of blocking it.
    setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }

  Endpoint endpoint() const { return LocalEndpoint(fd_.get()); }

  void Send(absl::string_view text, const Endpoint& to) {
    EXPECT_EQ(sendto(fd_.get(), text.data(), text.size(), 0, to.address(), to.address_size()),
              static_cast<ssize_t>(text.size()));
  }

  // Receives the next datagram.
  std::string Receive() {
    char buffer[8192];
    sockaddr_storage address{};
    socklen_t address_size = sizeof address;
    const ssize_t size = recvfrom(fd_.get(), buffer, sizeof buffer, 0,
                                  reinterpret_cast<sockaddr*>(&address), &address_size);
    if (size < 0) return "nothing";
    from = Endpoint::FromSockaddr(reinterpret_cast<const sockaddr*>(&address));
    return std::string(buffer, static_cast<size_t>(size));
  }
  bool HasNothing() {
    char octet;
    return recv(fd_.get(), &octet, 1, MSG_DONTWAIT) < 0;
  }

  // From now on only `peer` is received. Other senders get an error, because the port is
  // unreachable.
  void Connect(const Endpoint& peer) {
    EXPECT_EQ(connect(fd_.get(), peer.address(), peer.address_size()), 0);
  }

  Endpoint from;

 private:
  UniqueFd fd_;
};

}  // namespace dotcache

#endif  // DOTCACHE_TESTS_SUPPORT_UDP_PEER_H_
