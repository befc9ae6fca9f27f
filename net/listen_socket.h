// SPDX-License-Identifier: Apache-2.0
// Bound server sockets.
#ifndef DOTCACHE_NET_LISTEN_SOCKET_H_
#define DOTCACHE_NET_LISTEN_SOCKET_H_

#include "absl/status/statusor.h"
#include "net/endpoint.h"
#include "net/unique_fd.h"

namespace dotcache {

// Binds with SO_REUSEPORT, so that each worker has a socket of its own on the same endpoint;
// non-blocking, close-on-exec, IPV6_V6ONLY. Before the first socket of an endpoint, call
// CheckEndpointFree(), since SO_REUSEPORT would let two programs of one user share a port in
// silence. Errors name the endpoint and, for EACCES, EADDRINUSE and EADDRNOTAVAIL, say what to do.
absl::StatusOr<UniqueFd> BindUdp(const Endpoint& endpoint);
absl::StatusOr<UniqueFd> BindTcp(const Endpoint& endpoint, int backlog = 1024);

enum class SocketKind { kUdp, kTcp };

// Binds without SO_REUSEPORT and closes again: kAlreadyExists when another program has the port,
// kPermissionDenied for a port below 1024 without the right, kUnavailable when the address or its
// family does not exist here.
absl::Status CheckEndpointFree(const Endpoint& endpoint, SocketKind kind);

// True for an address of this machine, by the kernel's routes: what is sent there comes from there.
bool IsOwnAddress(const Endpoint& endpoint);

// The endpoint a socket is bound to: tells the port that port 0 became.
Endpoint LocalEndpoint(int fd);

}  // namespace dotcache

#endif  // DOTCACHE_NET_LISTEN_SOCKET_H_
