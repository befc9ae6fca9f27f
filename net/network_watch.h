// SPDX-License-Identifier: Apache-2.0
// Notices that the network has changed under us, and that the machine was suspended.
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

// Three descriptors on one loop: a netlink socket that the kernel tells of links, addresses, routes
// and rules; another that is asked for the way to each peer (rtnetlink(7); answered inside the
// call, without the lock that a busy container host holds); and a timer that never expires but is
// cancelled when the clock is set, which resuming does, too (timerfd_create(2)). Costs nothing
// while nothing happens. When the kernel's news overflow their buffer, that is a change of all
// links; when the socket fails, that is told by one line of the log, and nothing is noticed from
// then on. Bound to its loop's thread; at rest once destroyed.
class NetworkWatch {
 public:
  // Watched are the ways of sockets that are made as `outgoing` says. `on_change` is called from
  // the loop. kUnavailable where the kernel, or a sandbox, tells nothing.
  static absl::StatusOr<std::unique_ptr<NetworkWatch>> Open(
      UvLoop& loop, std::vector<Endpoint> peers, const OutgoingOptions& outgoing,
      absl::AnyInvocable<void(const NetworkChange&)> on_change);
  ~NetworkWatch();

  // As NetworkChanges.
  void SetPeers(std::vector<Endpoint> peers);

 private:
  struct Impl;
  explicit NetworkWatch(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace dotcache

#endif  // DOTCACHE_NET_NETWORK_WATCH_H_
