// SPDX-License-Identifier: Apache-2.0
// Whom a change of the network concerns.
#ifndef DOTCACHE_NET_NETWORK_CHANGES_H_
#define DOTCACHE_NET_NETWORK_CHANGES_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/functional/any_invocable.h"
#include "core/event_loop.h"
#include "net/endpoint.h"
#include "net/netlink_messages.h"

namespace dotcache {

// What happened to the ways to our peers.
struct NetworkChange {
  struct Peer {
    size_t index;    // Its place in the list of peers.
    bool link_down;  // There is a way, but its link has no carrier: what is sent is lost.
  };
  bool suspended = false;  // The machine was: it concerns all peers.
  std::vector<Peer> peers;
};

// Turns the kernel's events into changes. A peer is concerned when the way to it is another than
// before (interface, gateway, source address, carrier, or there is none), or when its interface was
// down in between: what a container host or a VPN does to other links and routes all day is nothing
// to us. Events of 100 ms are looked at together, and after a change 300 ms pass before the next.
// A sleep of a second or more concerns everybody, at once. Bound to its loop's thread.
class NetworkChanges {
 public:
  // The world, as the kernel tells it; tests tell another.
  struct World {
    absl::AnyInvocable<NetworkPath(const Endpoint&)> find_path;
    absl::AnyInvocable<Duration()> suspended_time;  // Only its growth counts.
  };

  // `on_change` is called from the loop.
  NetworkChanges(EventLoop& loop, std::vector<Endpoint> peers, World world,
                 absl::AnyInvocable<void(const NetworkChange&)> on_change);

  // Other peers from now on, of which those that stay in their places keep what is known of them,
  // be it not looked at yet. Only of the others a link without carrier is told anew, like a change.
  void SetPeers(std::vector<Endpoint> peers);

  void OnEvents(const NetworkEvents& events);

  // The machine may have been suspended. Also looked at with all events.
  void OnWakeUp();

  // Nothing will be heard any more: links that are down count as up from now on.
  void OnEnd();

 private:
  void LookSoon();
  void Look();
  void Report(const NetworkChange& change);
  NetworkPath FindPath(const Endpoint& peer);
  std::vector<NetworkPath> FindPaths();

  EventLoop& loop_;
  std::vector<Endpoint> peers_;
  World world_;
  absl::AnyInvocable<void(const NetworkChange&)> on_change_;
  bool ended_ = false;
  std::vector<NetworkPath> paths_;      // By peer, as of the latest look.
  absl::flat_hash_set<size_t> untold_;  // Peers that are new, and their links down.
  Duration suspended_time_;
  NetworkEvents events_;  // Not looked at yet.
  MonoTime latest_change_;
  std::unique_ptr<Timer> timer_;
};

}  // namespace dotcache

#endif  // DOTCACHE_NET_NETWORK_CHANGES_H_
