// SPDX-License-Identifier: Apache-2.0
#include "upstream/exchange/explanation.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "core/names.h"
#include "upstream/exchange/decision.h"
#include "upstream/exchange/upstream_zone.h"

namespace dotcache {
namespace {

// Why the first server is first, in the order of the policies.
constexpr absl::string_view kFirstByPolicy[] = {"among the fastest",
                                                "the fastest",
                                                "its turn",
                                                "selected at random",
                                                "first in the configuration",
                                                "selected at random by weight",
                                                "selected by the name"};
static_assert(std::size(kFirstByPolicy) == static_cast<size_t>(SelectionPolicy::kStickyHash) + 1);

std::string Why(const UpstreamZone& zone, const ServerView& view, const UpstreamServer& server,
                bool first) {
  const Provider& provider = zone.provider(view.provider);
  switch (view.status.state) {
    case ServerState::kLoop:
      return "forwarding loop: queries sent to it come back";
    case ServerState::kNoCarrier:
      return "the link to it has no carrier";
    case ServerState::kNoAddress:
      return "its name has no address";
    case ServerState::kDown:
    case ServerState::kDead:
      return absl::StrCat("down: ", UpstreamFailureName(view.status.last_failure),
                          server.down_cause().empty() ? "" : ": ", server.down_cause());
    case ServerState::kOnTrial:
      return "on trial: its connections are silent";
    case ServerState::kUp:
      break;
  }
  if (provider.erring()) {
    return absl::StrCat("erring: ", RcodeName(provider.error()), " to ", provider.errors(),
                        " queries that another provider answered");
  }
  if (view.status.family_broken) {
    return absl::StrCat(view.status.is_v6 ? "IPv6" : "IPv4", " does not work here");
  }
  if (!view.status.ready) return "not connected";
  return first ? std::string(NameInOrder(kFirstByPolicy, zone.options().policy))
               : "if the servers before it fail";
}

}  // namespace

NameExplanation Explain(const UpstreamZone& zone, const DomainName& qname, MonoTime now) {
  NameExplanation explanation;
  explanation.zone = zone.options().zone.ToString();
  explanation.policy = SelectionPolicyName(zone.options().policy);
  explanation.hedges = zone.MayHedge();
  const UpstreamZone::Views views = zone.LookAt(now);
  explanation.hedge_after = zone.HedgeTime(views);
  for (const uint8_t index : zone.PreviewOrder(qname, views)) {
    const UpstreamServer& server = zone.server(index);
    const UpstreamHealth& health = server.health();
    const ServerStatus& status = views[index].status;
    ServerExplanation& entry = explanation.servers.emplace_back();
    entry.provider = server.options().provider;
    entry.address = server.options().endpoint.ToString();
    entry.transport = TransportName(server.options().transport);
    entry.state = ServerStateName(status.state);
    entry.why = Why(zone, views[index], server, explanation.servers.size() == 1);
    entry.connections = server.ready_connections();
    entry.in_flight = status.in_flight;
    entry.failures_in_row = health.failures_in_row();
    if (const auto& failure = server.last_failure(); failure.has_value()) {
      entry.last_failure = UpstreamFailureName(failure->failure);
      entry.last_cause = failure->cause;
      entry.last_failure_ago = now - failure->time;
    }
    entry.response_time = health.response_time();
    entry.slow_response_time = health.slow_response_time();
    if (status.down()) {
      const Duration due = status.next_probe - now;
      const Duration latest = AllDown(views) ? ConnectPacing::kProbeInterval : Duration::max();
      entry.next_probe_in = std::clamp(due, Duration::zero(), latest);
    }
  }
  return explanation;
}

}  // namespace dotcache
