// SPDX-License-Identifier: Apache-2.0
#include "server/inherited_sockets.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/status_macros.h"
#include "net/listen_socket.h"

namespace dotcache {
namespace {

constexpr int kFirstDescriptor = 3;
constexpr int kMaxSockets = 1024;

int OptionOf(int fd, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

// A socket for both families shows IPv4 clients as IPv6 addresses, which no access list expects.
bool IsV6Only(int fd) {
  int value = 0;
  socklen_t size = sizeof value;
  return getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &value, &size) == 0 && value == 1;
}

absl::StatusOr<InheritedSocket> Take(int descriptor, const std::string& name) {
  InheritedSocket socket;
  socket.name = name;
  const int type = OptionOf(descriptor, SO_TYPE);
  const int domain = OptionOf(descriptor, SO_DOMAIN);
  socket.is_udp = type == SOCK_DGRAM;
  const bool listens = type == SOCK_STREAM && OptionOf(descriptor, SO_ACCEPTCONN) == 1;
  if ((domain != AF_INET && domain != AF_INET6) || (!socket.is_udp && !listens)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the inherited socket ", name, " (descriptor ", descriptor,
                     ") is no UDP socket and no listening TCP socket"));
  }
  if (domain == AF_INET6 && !IsV6Only(descriptor)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the inherited socket ", name, " receives IPv4 too; set BindIPv6Only=ipv6-only ",
        "and add a socket for IPv4"));
  }
  fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK);
  socket.fd = std::make_shared<const UniqueFd>(descriptor);
  socket.endpoint = LocalEndpoint(descriptor);
  return socket;
}

bool Matches(const InheritedSocket& socket, const ListenOptions& listen) {
  return socket.is_udp == (listen.transport == Transport::kUdp) &&
         socket.endpoint == listen.endpoint;
}

}  // namespace

absl::StatusOr<InheritedSockets> TakeInheritedSockets(const std::string& pid,
                                                      const std::string& count,
                                                      const std::string& names) {
  int owner = 0;
  int sockets = 0;
  if (!absl::SimpleAtoi(pid, &owner) || owner != getpid()) return InheritedSockets();
  if (!absl::SimpleAtoi(count, &sockets) || sockets < 0 || sockets > kMaxSockets) {
    return absl::InvalidArgumentError(absl::StrCat("LISTEN_FDS is not a number: ", count));
  }
  const std::vector<std::string> all_names = absl::StrSplit(names, ':');
  InheritedSockets inherited;
  for (int i = 0; i < sockets; ++i) {
    const auto index = static_cast<size_t>(i);
    const bool named = index < all_names.size() && !all_names[index].empty();
    ASSIGN_OR_RETURN(
        InheritedSocket socket,
        Take(kFirstDescriptor + i, named ? all_names[index] : absl::StrCat("number ", i + 1)));
    inherited.push_back(std::move(socket));
  }
  return inherited;
}

const InheritedSocket* FindInherited(const InheritedSockets& sockets, const ListenOptions& listen) {
  const auto found =
      std::find_if(sockets.begin(), sockets.end(),
                   [&](const InheritedSocket& socket) { return Matches(socket, listen); });
  return found == sockets.end() ? nullptr : &*found;
}

absl::Status CheckAllUsed(const InheritedSockets& sockets,
                          const std::vector<ListenOptions>& listen) {
  for (const InheritedSocket& socket : sockets) {
    const bool used = std::any_of(listen.begin(), listen.end(),
                                  [&](const ListenOptions& each) { return Matches(socket, each); });
    if (used) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("the inherited socket ", socket.name, " (", socket.is_udp ? "udp " : "tcp ",
                     socket.endpoint.ToString(), ") has no listener; add its address to `listen`"));
  }
  return absl::OkStatus();
}

}  // namespace dotcache
