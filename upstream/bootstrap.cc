// SPDX-License-Identifier: Apache-2.0
#include "upstream/bootstrap.h"

#include <utility>

#include "absl/types/span.h"

namespace dotcache {
namespace {

// Its servers take every name. They are connected only for a query.
UpstreamOptions OptionsOf(const UpstreamOptions& options) {
  UpstreamOptions own;
  own.zones.resize(1);
  own.zones[0].policy = SelectionPolicy::kSequential;
  own.zones[0].servers = options.bootstrap;
  own.limits = options.limits;
  own.mode.prewarm = false;
  own.mode.patient = true;
  own.mode.quiet = true;
  return own;
}

}  // namespace

Bootstrap::Bootstrap(UvLoop& loop, const UpstreamOptions& options,
                     SocketConnector::Credentials credentials)
    : counters_(options.bootstrap.size()),
      connector_(loop, options.limits, std::move(credentials)),
      manager_(loop, OptionsOf(options), connector_, absl::MakeSpan(counters_), random_) {}

void Bootstrap::OnNetworkChange(const NetworkChange& change) {
  for (const NetworkChange::Peer& peer : change.peers) {
    connector_.ForgetTickets(static_cast<int>(peer.index));
  }
  manager_.OnNetworkChange(change);
}

}  // namespace dotcache
