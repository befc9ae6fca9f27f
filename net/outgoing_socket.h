// SPDX-License-Identifier: Apache-2.0
// Sockets towards others: where they come from and how they are marked.
#ifndef DOTCACHE_NET_OUTGOING_SOCKET_H_
#define DOTCACHE_NET_OUTGOING_SOCKET_H_

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "net/endpoint.h"
#include "net/unique_fd.h"

namespace dotcache {

// How sockets towards others are made. A value.
struct OutgoingOptions {
  // What they are bound to, by family, with port 0: the kernel still draws the port. nullopt: the
  // kernel chooses the address, too.
  std::optional<Endpoint> source_v4;
  std::optional<Endpoint> source_v6;
  // SO_MARK, for policy routing and packet filters; needs CAP_NET_ADMIN. 0: none.
  uint32_t mark = 0;

  bool empty() const { return !source_v4.has_value() && !source_v6.has_value() && mark == 0; }
  const std::optional<Endpoint>& SourceFor(const Endpoint& remote) const {
    return remote.is_v6() ? source_v6 : source_v4;
  }
};

enum class OutgoingKind { kUdp, kTcp };

// A socket to connect to `remote`: non-blocking, close-on-exec, marked and bound as `options` say.
// Not valid where that fails; errno says why then.
UniqueFd OpenOutgoing(const Endpoint& remote, OutgoingKind kind, const OutgoingOptions& options);

// Whether this machine has `source`: kUnavailable says that it does not.
absl::Status CheckSource(const Endpoint& source);

// Whether this process may set `mark`: kPermissionDenied names the capability.
absl::Status CheckMark(uint32_t mark);

}  // namespace dotcache

#endif  // DOTCACHE_NET_OUTGOING_SOCKET_H_
