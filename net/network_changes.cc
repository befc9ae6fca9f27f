// SPDX-License-Identifier: Apache-2.0
#include "net/network_changes.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace dotcache {
namespace {

// A link that comes up causes a burst of address and route events.
constexpr Duration kBurst = Milliseconds(100);
constexpr Duration kMinInterval = Milliseconds(300);
constexpr Duration kMinSleep = Seconds(1);

// Sets `path.link_up`. An event about the link is the newest source. Without one, the earlier state
// of the same link is kept, because it is more exact than the flags of a lookup.
void SetLink(NetworkPath& path, const NetworkPath& before, const NetworkEvents& events) {
  const auto seen = events.links.find(path.interface);
  if (seen != events.links.end()) {
    path.link_up = seen->second.is_up;
  } else if (!events.lost && before.reachable && before.interface == path.interface) {
    path.link_up = before.link_up;
  }
}

bool WasDown(const NetworkPath& path, const NetworkEvents& events) {
  if (!path.reachable) return false;
  const auto seen = events.links.find(path.interface);
  return events.lost || (seen != events.links.end() && seen->second.was_down);
}

bool HasDeadLink(const NetworkPath& path) { return path.reachable && !path.link_up; }

}  // namespace

NetworkChanges::NetworkChanges(EventLoop& loop, std::vector<Endpoint> peers, World world,
                               absl::AnyInvocable<void(const NetworkChange&)> on_change)
    : loop_(loop),
      peers_(std::move(peers)),
      world_(std::move(world)),
      on_change_(std::move(on_change)),
      paths_(FindPaths()),
      suspended_time_(world_.suspended_time()),
      latest_change_(loop.Now() - kMinInterval),
      timer_(loop.NewTimer([this] { Look(); })) {}

void NetworkChanges::SetPeers(std::vector<Endpoint> peers) {
  assert(loop_.InLoopThread());
  std::vector<NetworkPath> paths;
  for (size_t i = 0; i < peers.size(); ++i) {
    if (i < peers_.size() && peers[i] == peers_[i]) {
      paths.push_back(paths_[i]);
      continue;
    }
    NetworkPath path = FindPath(peers[i]);
    const auto known = std::find_if(paths_.begin(), paths_.end(), [&path](const auto& other) {
      return other.reachable && other.interface == path.interface;
    });
    if (known != paths_.end()) path.link_up = known->link_up;
    if (HasDeadLink(path)) unreported_.insert(i);
    paths.push_back(std::move(path));
  }
  peers_ = std::move(peers);
  paths_ = std::move(paths);
  if (!unreported_.empty()) LookSoon();
}

void NetworkChanges::OnEvents(const NetworkEvents& events) {
  assert(loop_.InLoopThread());
  OnWakeUp();
  if (!events.any && !events.lost) return;
  events_.Add(events);
  LookSoon();
}

void NetworkChanges::LookSoon() {
  if (timer_->armed()) return;
  timer_->Start(std::max<Duration>(kBurst, latest_change_ + kMinInterval - loop_.Now()));
}

void NetworkChanges::OnWakeUp() {
  assert(loop_.InLoopThread());
  const Duration suspended_time = world_.suspended_time();
  const Duration slept = suspended_time - std::exchange(suspended_time_, suspended_time);
  if (slept < kMinSleep) return;
  paths_ = FindPaths();
  unreported_.clear();  // The report below names all peers.
  NetworkChange change{.suspended = true, .peers = {}};
  for (size_t i = 0; i < peers_.size(); ++i) change.peers.push_back({i, HasDeadLink(paths_[i])});
  Report(change);
}

void NetworkChanges::OnEnd() {
  timer_->Stop();
  ended_ = true;
  unreported_.clear();
  NetworkChange change;
  for (size_t i = 0; i < peers_.size(); ++i) {
    if (HasDeadLink(paths_[i])) change.peers.push_back({i, false});
    paths_[i].link_up = true;
  }
  Report(change);
}

void NetworkChanges::Look() {
  const NetworkEvents events = std::exchange(events_, {});
  std::vector<NetworkPath> paths = FindPaths();
  NetworkChange change;
  for (size_t i = 0; i < peers_.size(); ++i) {
    SetLink(paths[i], paths_[i], events);
    if (paths[i] == paths_[i] && !WasDown(paths[i], events) && !unreported_.contains(i)) continue;
    change.peers.push_back({i, HasDeadLink(paths[i])});
  }
  paths_ = std::move(paths);
  unreported_.clear();
  Report(change);
}

void NetworkChanges::Report(const NetworkChange& change) {
  if (change.peers.empty()) return;
  latest_change_ = loop_.Now();
  on_change_(change);
}

NetworkPath NetworkChanges::FindPath(const Endpoint& peer) {
  NetworkPath path = world_.find_path(peer);
  path.link_up |= ended_;  // No event would report its recovery.
  return path;
}

std::vector<NetworkPath> NetworkChanges::FindPaths() {
  std::vector<NetworkPath> paths;
  for (const Endpoint& peer : peers_) paths.push_back(FindPath(peer));
  return paths;
}

}  // namespace dotcache
