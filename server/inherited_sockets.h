// SPDX-License-Identifier: Apache-2.0
// Sockets that a service manager opened for this process.
#ifndef DOTCACHE_SERVER_INHERITED_SOCKETS_H_
#define DOTCACHE_SERVER_INHERITED_SOCKETS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "net/endpoint.h"
#include "net/unique_fd.h"
#include "server/server_options.h"

namespace dotcache {

// A bound socket: UDP, or listening TCP. The service manager keeps a copy, and a later process
// continues with it. This process must not change the socket, and leaves what arrives after its
// stop in the kernel's queue.
struct InheritedSocket {
  std::string name;  // The name that the service manager gave it, for errors.
  Endpoint endpoint;
  bool is_udp = false;
  std::shared_ptr<const UniqueFd> fd;
};

using InheritedSockets = std::vector<InheritedSocket>;

// Takes the descriptors 3, 4, ... as sd_listen_fds(3) defines: `pid`, `count` and `names` are the
// values of $LISTEN_PID, $LISTEN_FDS and $LISTEN_FDNAMES. Returns none if `pid` is not the own
// process. It is an error if a descriptor is no UDP socket and no listening TCP socket.
absl::StatusOr<InheritedSockets> TakeInheritedSockets(const std::string& pid,
                                                      const std::string& count,
                                                      const std::string& names);

// The socket for this listener, or null.
const InheritedSocket* FindInherited(const InheritedSockets& sockets, const ListenOptions& listen);

// Returns an error that names the first socket without a listener in `listen`.
absl::Status CheckAllUsed(const InheritedSockets& sockets,
                          const std::vector<ListenOptions>& listen);

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_INHERITED_SOCKETS_H_
