// SPDX-License-Identifier: Apache-2.0
#include "net/listen_socket.h"

#include <netinet/in.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/status_macros.h"

namespace dotcache {
namespace {

constexpr int kUdpBufferBytes = 4 << 20;

absl::string_view KindName(SocketKind kind) { return kind == SocketKind::kUdp ? "udp" : "tcp"; }

// An error for the operator: it names the endpoint, the fault and a remedy.
absl::Status SocketError(const Endpoint& endpoint, SocketKind kind, int error) {
  const std::string prefix =
      absl::StrCat("cannot listen on ", KindName(kind), " ", endpoint.ToString(), ": ");
  switch (error) {
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(absl::StrCat(
          prefix,
          "permission denied; ports below 1024 need root, CAP_NET_BIND_SERVICE (setcap "
          "cap_net_bind_service=+ep, with upstream-mark cap_net_bind_service,cap_net_admin=+ep, "
          "or AmbientCapabilities= in systemd), or net.ipv4.ip_unprivileged_port_start"));
    case EADDRINUSE:
      return absl::AlreadyExistsError(absl::StrCat(
          prefix, "another program has this port; `ss -lpn 'sport = :", endpoint.port(),
          "'` shows which; stop that program or listen on another address or port"));
    case EADDRNOTAVAIL:
      return absl::UnavailableError(
          absl::StrCat(prefix, "this machine does not have the address; `ip address` shows its ",
                       "addresses, ", endpoint.is_v6() ? "[::]" : "0.0.0.0", " means all of them"));
    case EAFNOSUPPORT:
      return absl::UnavailableError(
          absl::StrCat(prefix, "this machine has no ", endpoint.is_v6() ? "IPv6" : "IPv4"));
    case EMFILE:
    case ENFILE:
      return absl::ResourceExhaustedError(
          absl::StrCat(prefix, std::strerror(error), "; raise `ulimit -n` or LimitNOFILE="));
    default:
      return absl::UnknownError(absl::StrCat(prefix, std::strerror(error)));
  }
}

bool SetOption(int fd, int level, int option) {
  const int on = 1;
  return setsockopt(fd, level, option, &on, sizeof on) == 0;
}

enum class Sharing { kAlone, kWithOtherWorkers };

bool BindAddress(int fd, const Endpoint& endpoint, AbsentAddress absent) {
  const auto bound = [&] { return bind(fd, endpoint.address(), endpoint.address_size()) == 0; };
  if (bound()) return true;
  if (errno != EADDRNOTAVAIL || absent == AbsentAddress::kRefuse) return false;
  const bool may_bind = endpoint.is_v6() ? SetOption(fd, IPPROTO_IPV6, IPV6_FREEBIND)
                                         : SetOption(fd, IPPROTO_IP, IP_FREEBIND);
  return may_bind && bound();
}

absl::StatusOr<UniqueFd> Bind(const Endpoint& endpoint, SocketKind kind, Sharing sharing,
                              AbsentAddress absent) {
  const int type = kind == SocketKind::kUdp ? SOCK_DGRAM : SOCK_STREAM;
  UniqueFd fd(socket(endpoint.family(), type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  // For TCP, SO_REUSEADDR allows a start while old connections are in TIME_WAIT. For UDP it would
  // let any program take the port.
  const bool ready =
      fd.valid() && (kind == SocketKind::kUdp || SetOption(fd.get(), SOL_SOCKET, SO_REUSEADDR)) &&
      (sharing == Sharing::kAlone || SetOption(fd.get(), SOL_SOCKET, SO_REUSEPORT)) &&
      (!endpoint.is_v6() || SetOption(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY)) &&
      BindAddress(fd.get(), endpoint, absent);
  if (!ready) return SocketError(endpoint, kind, errno);
  return fd;
}

}  // namespace

absl::StatusOr<UniqueFd> BindUdp(const Endpoint& endpoint, AbsentAddress absent) {
  ASSIGN_OR_RETURN(UniqueFd fd,
                   Bind(endpoint, SocketKind::kUdp, Sharing::kWithOtherWorkers, absent));
  EnlargeBuffers(fd.get());
  return fd;
}

absl::StatusOr<UniqueFd> BindTcp(const Endpoint& endpoint, int backlog, AbsentAddress absent) {
  ASSIGN_OR_RETURN(UniqueFd fd,
                   Bind(endpoint, SocketKind::kTcp, Sharing::kWithOtherWorkers, absent));
  if (listen(fd.get(), backlog) != 0) return SocketError(endpoint, SocketKind::kTcp, errno);
  return fd;
}

absl::Status CheckEndpointFree(const Endpoint& endpoint, SocketKind kind, AbsentAddress absent) {
  return Bind(endpoint, kind, Sharing::kAlone, absent).status();
}

void EnlargeBuffers(int fd) {
  for (const auto& [option, forced] :
       {std::pair{SO_RCVBUF, SO_RCVBUFFORCE}, std::pair{SO_SNDBUF, SO_SNDBUFFORCE}}) {
    int size = 0;
    socklen_t length = sizeof size;
    getsockopt(fd, SOL_SOCKET, option, &size, &length);
    if (size >= kUdpBufferBytes) continue;
    if (setsockopt(fd, SOL_SOCKET, forced, &kUdpBufferBytes, sizeof kUdpBufferBytes) == 0) continue;
    setsockopt(fd, SOL_SOCKET, option, &kUdpBufferBytes, sizeof kUdpBufferBytes);
  }
}

bool IsOwnAddress(const Endpoint& endpoint) {
  if (endpoint.is_loopback()) return true;
  const UniqueFd fd(socket(endpoint.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd.valid() || connect(fd.get(), endpoint.address(), endpoint.address_size()) != 0) {
    return false;
  }
  return LocalEndpoint(fd.get()).AddressToString() == endpoint.AddressToString();
}

Endpoint LocalEndpoint(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return Endpoint();
  return Endpoint::FromSockaddr(reinterpret_cast<const sockaddr*>(&address));
}

absl::Status CannotPoll(absl::string_view action, int fd, absl::string_view reason) {
  return absl::InternalError(
      absl::StrCat("cannot ", action, " on ", LocalEndpoint(fd).ToString(), ": ", reason));
}

}  // namespace dotcache
