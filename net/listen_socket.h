// SPDX-License-Identifier: Apache-2.0
// Sockets bound to a local endpoint, for listening.
#ifndef DOTCACHE_NET_LISTEN_SOCKET_H_
#define DOTCACHE_NET_LISTEN_SOCKET_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "net/endpoint.h"
#include "net/unique_fd.h"

namespace dotcache {

// Binds a non-blocking, close-on-exec socket. SO_REUSEPORT lets each worker bind a socket of its
// own to the same endpoint. An IPv6 socket is IPV6_V6ONLY.
//
// Call CheckEndpointFree() before the first socket of an endpoint. Otherwise SO_REUSEPORT lets two
// programs of one user share a port without an error. An error names the endpoint. For EACCES,
// EADDRINUSE and EADDRNOTAVAIL it also gives the operator a remedy. A UDP socket has large buffers.
//
// With AbsentAddress::kBind an address that this machine does not have is bound all the same
// (IP_FREEBIND in ip(7)): the socket receives as soon as the machine has the address.
enum class AbsentAddress { kRefuse, kBind };
absl::StatusOr<UniqueFd> BindUdp(const Endpoint& endpoint,
                                 AbsentAddress absent = AbsentAddress::kRefuse);
absl::StatusOr<UniqueFd> BindTcp(const Endpoint& endpoint, int backlog = 1024,
                                 AbsentAddress absent = AbsentAddress::kRefuse);

// Gives a UDP socket buffers of 4 MiB, for bursts that arrive while the loop is busy. Without
// CAP_NET_ADMIN they are smaller if net.core.rmem_max or wmem_max is. They never become smaller
// than they are.
void EnlargeBuffers(int fd);

enum class SocketKind { kUdp, kTcp };

// Binds without SO_REUSEPORT and closes the socket again. Returns:
// - kAlreadyExists when another program has the port;
// - kPermissionDenied when a port below 1024 needs a right that the process lacks;
// - kUnavailable when this machine lacks the address, unless it may be absent, or its family.
absl::Status CheckEndpointFree(const Endpoint& endpoint, SocketKind kind,
                               AbsentAddress absent = AbsentAddress::kRefuse);

// True when `endpoint` is an address of this machine. For such a destination, the kernel selects
// the same address as source.
bool IsOwnAddress(const Endpoint& endpoint);

// The endpoint to which a socket is bound. After a bind to port 0 it has the port that the kernel
// chose.
Endpoint LocalEndpoint(int fd);

// The error of a bound socket that cannot be polled: kInternal, "cannot ACTION on ENDPOINT:
// REASON".
absl::Status CannotPoll(absl::string_view action, int fd, absl::string_view reason);

}  // namespace dotcache

#endif  // DOTCACHE_NET_LISTEN_SOCKET_H_
