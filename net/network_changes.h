// SPDX-License-Identifier: Apache-2.0
// Decides which peers a change of the network concerns.
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

// The peers that a change of the network concerns.
struct NetworkChange {
  struct Peer {
    size_t index;    // Index in the list of peers.
    bool link_down;  // The peer has a route, but its link has no carrier: packets are lost.
  };
  bool suspended = false;  // The machine was suspended; all peers are listed.
  std::vector<Peer> peers;
};

// Turns the kernel's events into changes for single peers. A change concerns a peer in two cases:
// - its path differs from before: interface, gateway, source address, carrier, or no route;
// - its interface was down in between.
//
// Events of other links and routes are ignored, because a container host or a VPN causes many of
// them. Events within 100 ms are handled together. After a change, the next one follows 300 ms
// later at the earliest. A suspend of 1 s or more concerns all peers and is reported at once. Bound
// to its loop's thread.
class NetworkChanges {
 public:
  // The source of paths and suspends: the kernel, or values that a test sets.
  struct World {
    absl::AnyInvocable<NetworkPath(const Endpoint&)> find_path;
    absl::AnyInvocable<Duration()> suspended_time;  // Only its growth is used.
  };

  // `on_change` is called from the loop.
  NetworkChanges(EventLoop& loop, std::vector<Endpoint> peers, World world,
                 absl::AnyInvocable<void(const NetworkChange&)> on_change);

  // Replaces the peers. A peer that stays at its index keeps its known path, and its pending
  // changes are still reported. For each other peer, a link without carrier is reported as a
  // change.
  void SetPeers(std::vector<Endpoint> peers);

  void OnEvents(const NetworkEvents& events);

  // Reports a suspend, if there was one. OnEvents() makes this check too.
  void OnWakeUp();

  // Call this when no more events are received. Links that are down count as up from now on, since
  // no event would report their recovery.
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
  std::vector<NetworkPath> paths_;          // By peer index, as of the latest Look().
  absl::flat_hash_set<size_t> unreported_;  // New peers whose link is down.
  Duration suspended_time_;
  NetworkEvents events_;  // Received since the latest Look().
  MonoTime latest_change_;
  std::unique_ptr<Timer> timer_;
};

}  // namespace dotcache

#endif  // DOTCACHE_NET_NETWORK_CHANGES_H_
