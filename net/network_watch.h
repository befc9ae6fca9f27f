// SPDX-License-Identifier: Apache-2.0
// Detects changes of the network and suspends of the machine.
#ifndef DOTCACHE_NET_NETWORK_WATCH_H_
#define DOTCACHE_NET_NETWORK_WATCH_H_

#include <memory>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "net/endpoint.h"
#include "net/network_changes.h"
#include "net/outgoing_socket.h"

namespace dotcache {

class UvLoop;

// Watches three descriptors on one loop:
// - a netlink socket on which the kernel reports links, addresses, routes and rules (rtnetlink(7));
// - a netlink socket for route lookups. The kernel replies inside the call, and without the lock
//   that a busy container host holds;
// - a timer that never expires. Setting the clock cancels it, and so does a resume
//   (timerfd_create(2)).
//
// An idle watch uses no CPU. When the buffer of events overflows, all links count as changed. When
// the event socket fails, one line is logged, and later changes are not detected. Bound to its
// loop's thread. `on_change` is not called after destruction.
class NetworkWatch {
 public:
  // Starts to watch the routes to `peers`, for sockets made with `outgoing`. `on_change` is called
  // from the loop. kUnavailable when the kernel or a sandbox provides no events.
  static absl::StatusOr<std::unique_ptr<NetworkWatch>> Open(
      UvLoop& loop, std::vector<Endpoint> peers, const OutgoingOptions& outgoing,
      absl::AnyInvocable<void(const NetworkChange&)> on_change);

  struct Impl;  // Defined in the source file only, so no other code can construct this class.
  explicit NetworkWatch(std::unique_ptr<Impl> impl);
  ~NetworkWatch();

  // See NetworkChanges::SetPeers().
  void SetPeers(std::vector<Endpoint> peers);

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace dotcache

#endif  // DOTCACHE_NET_NETWORK_WATCH_H_
