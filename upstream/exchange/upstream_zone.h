// SPDX-License-Identifier: Apache-2.0
// The servers of one zone.
#ifndef DOTCACHE_UPSTREAM_EXCHANGE_UPSTREAM_ZONE_H_
#define DOTCACHE_UPSTREAM_EXCHANGE_UPSTREAM_ZONE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "core/event_loop.h"
#include "upstream/api/upstream_counters.h"
#include "upstream/api/upstream_options.h"
#include "upstream/exchange/upstream_selector.h"
#include "upstream/pool/upstream_server.h"

namespace dotcache {

// Owns the servers to which the names at and below one name go, puts them in order for a question,
// and knows what is true of all of them together: while all are down each is probed every second,
// whatever its back-off says, because whoever comes back first is wanted. Owned by the
// UpstreamManager; bound to its loop's thread.
class UpstreamZone {
 public:
  // `counters` and `probe_gates`: one element per server. They and `options` outlive the zone;
  // `first_index` is the index of its first server among all.
  UpstreamZone(const UpstreamServer::Context& context, const UpstreamZoneOptions& options,
               int first_index, absl::Span<UpstreamCounters> counters,
               absl::Span<ProbeGate> probe_gates);

  const UpstreamZoneOptions& options() const { return options_; }
  size_t size() const { return servers_.size(); }
  UpstreamServer& server(size_t index) { return *servers_[index]; }
  const UpstreamServer& server(size_t index) const { return *servers_[index]; }
  bool Owns(const UpstreamServer& server) const;

  // In which order to ask for this name. Has a connection opened to a server that could not come
  // first for want of one.
  ServerOrder ChooseOrder(const DomainName& qname);

  // What the policy makes of the servers as they are now; changes nothing.
  ServerOrder PreviewOrder(const DomainName& qname) const;

  // Whether its names may be asked twice for speed. A hedge would tell a sticky name to another
  // provider.
  bool MayHedge() const {
    return context_.limits.hedge && size() > 1 && options_.policy != SelectionPolicy::kStickyHash;
  }

  // After how long without a response a query is worth asking elsewhere, too: twice what nineteen
  // of twenty responses of the best server need, at least 20 ms.
  Duration HedgeTime() const;

  bool AllDown() const;

  // Takes note of whether nobody can be reached; true when that is news.
  bool NoteLost(bool lost) { return std::exchange(told_lost_, lost) != lost; }

  // True when all servers are down or on probation after that, and whatever was tried with them has
  // been in vain for a second: nobody is kept waiting any more.
  bool IsKnownDead() const;

  // True when none of them wants a query that shows whether it answers again.
  bool AllUseless() const;

  // An exchange found all servers down.
  void OnFoundAllDown();
  // One of its servers is connected. If all were down, and it does not have to answer first to be
  // up, the cause was most likely one for all: the others are probed at once.
  void OnServerReady();

  // The result of an attempt at the server that had this place then is not wanted any more.
  void Forget(size_t index, AttemptId attempt);

  // Opens a connection to each server.
  void Prepare();

  // The way to this server has changed.
  void OnNetworkChange(size_t index, bool link_down);
  // The slot has this address from now on, or none: a new server in the place of the old one, which
  // still answers what it was asked. REQUIRES: it is a slot of a host name.
  void SetAddress(size_t index, const std::optional<Endpoint>& address);

  // Closes connections as they fall idle and opens none but for queries.
  void Drain();

 private:
  // What ServerSnapshot says of a server whatever its state.
  struct Portion {
    double weight;
    uint64_t provider_hash;
  };

  // One whose place another has taken.
  struct Retired : Deletable {
    std::unique_ptr<UpstreamServer> server;
  };

  void Share();
  void DropRetired();
  ServerChoice Choose(UpstreamSelector& selector, const DomainName& qname) const;
  void ProbeAll();

  const UpstreamServer::Context context_;
  const UpstreamZoneOptions& options_;
  const int first_index_;
  const absl::Span<UpstreamCounters> counters_;
  const absl::Span<ProbeGate> probe_gates_;
  UpstreamSelector selector_;
  std::vector<std::unique_ptr<UpstreamServer>> servers_;
  std::vector<Portion> portions_;  // By server.
  bool draining_ = false;
  bool was_all_down_ = false;  // An exchange found it so, and no server has come back since.
  std::unique_ptr<Timer> probe_timer_;  // Runs while all are down.
  bool prepared_ = false;
  bool told_lost_ = false;
  std::vector<std::unique_ptr<Retired>> retired_;  // Oldest first.
  std::unique_ptr<Timer> retired_timer_;           // Runs while there are any.
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_EXCHANGE_UPSTREAM_ZONE_H_
