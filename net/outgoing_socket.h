// SPDX-License-Identifier: Apache-2.0
// Outgoing sockets with a configured source address and mark.
#ifndef DOTCACHE_NET_OUTGOING_SOCKET_H_
#define DOTCACHE_NET_OUTGOING_SOCKET_H_

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "net/endpoint.h"
#include "net/unique_fd.h"

namespace dotcache {

// Source addresses and mark of outgoing sockets. A value type.
struct OutgoingOptions {
  // Source address for each family, with port 0: the kernel still chooses the port. nullopt: the
  // kernel also chooses the address.
  std::optional<Endpoint> source_v4;
  std::optional<Endpoint> source_v6;
  // SO_MARK, for policy routing and packet filters. Needs CAP_NET_ADMIN. 0: no mark.
  uint32_t mark = 0;

  bool empty() const { return !source_v4.has_value() && !source_v6.has_value() && mark == 0; }
  const std::optional<Endpoint>& SourceFor(const Endpoint& remote) const {
    return remote.is_v6() ? source_v6 : source_v4;
  }
  friend bool operator==(const OutgoingOptions&, const OutgoingOptions&) = default;
};

enum class OutgoingKind { kUdp, kTcp };

// Opens a socket for a connection to `remote`: non-blocking, close-on-exec, marked and bound as in
// `options`. On failure the result is not valid, and errno has the cause.
UniqueFd OpenOutgoing(const Endpoint& remote, OutgoingKind kind, const OutgoingOptions& options);

// Checks that this machine has the address `source`; otherwise kUnavailable.
absl::Status CheckSource(const Endpoint& source);

// Checks that this process may set `mark`. kPermissionDenied names the capability that it needs.
absl::Status CheckMark(uint32_t mark);

}  // namespace dotcache

#endif  // DOTCACHE_NET_OUTGOING_SOCKET_H_
