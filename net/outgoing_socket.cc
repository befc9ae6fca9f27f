// SPDX-License-Identifier: Apache-2.0
#include "net/outgoing_socket.h"

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace dotcache {
namespace {

bool SetMark(int fd, uint32_t mark) {
  return mark == 0 || setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) == 0;
}

// Without IP_BIND_ADDRESS_NO_PORT, bind() would reserve a local port for the socket's whole life.
// With it, connect() chooses a port that sockets to other servers can use at the same time.
bool BindSource(int fd, const Endpoint& source) {
  const int on = 1;
  return setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) == 0 &&
         bind(fd, source.address(), source.address_size()) == 0;
}

}  // namespace

UniqueFd OpenOutgoing(const Endpoint& remote, OutgoingKind kind, const OutgoingOptions& options) {
  const int type = kind == OutgoingKind::kUdp ? SOCK_DGRAM : SOCK_STREAM;
  UniqueFd fd(socket(remote.family(), type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const std::optional<Endpoint>& source = options.SourceFor(remote);
  const bool made = fd.valid() && SetMark(fd.get(), options.mark) &&
                    (!source.has_value() || BindSource(fd.get(), *source));
  if (made) return fd;
  const int code = errno;
  fd = UniqueFd();  // Closing may set errno.
  errno = code;
  return fd;
}

absl::Status CheckSource(const Endpoint& source) {
  const UniqueFd fd(socket(source.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (fd.valid() && bind(fd.get(), source.address(), source.address_size()) == 0) {
    return absl::OkStatus();
  }
  const std::string address = source.AddressToString();
  if (errno == EADDRNOTAVAIL) {
    return absl::UnavailableError(
        absl::StrCat("this machine does not have ", address, "; `ip address` shows its addresses"));
  }
  return absl::UnavailableError(absl::StrCat(address, " cannot be used: ", std::strerror(errno)));
}

absl::Status CheckMark(uint32_t mark) {
  const UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (fd.valid() && SetMark(fd.get(), mark)) return absl::OkStatus();
  if (errno == EPERM) {
    return absl::PermissionDeniedError(
        "needs CAP_NET_ADMIN (setcap cap_net_bind_service,cap_net_admin=+ep: each setcap replaces "
        "the one before; or AmbientCapabilities= in systemd)");
  }
  return absl::UnknownError(absl::StrCat("cannot be set: ", std::strerror(errno)));
}

}  // namespace dotcache
