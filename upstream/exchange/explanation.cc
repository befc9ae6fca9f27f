// SPDX-License-Identifier: Apache-2.0
#include "upstream/exchange/explanation.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "upstream/exchange/upstream_zone.h"

namespace dotcache {
namespace {

absl::string_view StateName(UpstreamHealth::State state) {
  switch (state) {
    case UpstreamHealth::State::kUp:
      return "up";
    case UpstreamHealth::State::kProbation:
      return "probation";
    case UpstreamHealth::State::kDown:
      return "down";
  }
  return "";
}

absl::string_view FirstByPolicy(SelectionPolicy policy) {
  switch (policy) {
    case SelectionPolicy::kBalanced:
      return "among the fastest";
    case SelectionPolicy::kFastest:
      return "the fastest";
    case SelectionPolicy::kRoundRobin:
      return "its turn";
    case SelectionPolicy::kRandom:
      return "drawn";
    case SelectionPolicy::kSequential:
      return "first in the order written";
    case SelectionPolicy::kWeighted:
      return "drawn by weight";
    case SelectionPolicy::kStickyHash:
      return "the name's own provider";
  }
  return "";
}

std::string Why(const UpstreamZone& zone, const UpstreamServer& server, bool first) {
  const ServerSnapshot snapshot = server.Snapshot();
  if (server.loops()) return "forwarding loop: what is sent there comes back";
  if (server.link_down()) return "the link to it has no carrier";
  if (server.down()) {
    return absl::StrCat("down: ", UpstreamFailureName(server.health().last_failure()));
  }
  if (server.health().state() == UpstreamHealth::State::kProbation) {
    return server.health().was_down() ? "on probation: it was down and has not answered yet"
                                      : "on probation: it fell silent with queries waiting";
  }
  if (snapshot.family_broken) {
    return absl::StrCat(snapshot.is_v6 ? "IPv6" : "IPv4", " does not work here");
  }
  if (!snapshot.ready) return "not connected";
  return first ? std::string(FirstByPolicy(zone.options().policy)) : "if those before it fail";
}

}  // namespace

NameExplanation Explain(const UpstreamZone& zone, const DomainName& qname, MonoTime now) {
  NameExplanation explanation;
  explanation.zone = zone.options().zone.ToString();
  explanation.policy = SelectionPolicyName(zone.options().policy);
  explanation.hedges = zone.MayHedge();
  explanation.hedge_after = zone.HedgeTime();
  for (const uint8_t index : zone.PreviewOrder(qname)) {
    const UpstreamServer& server = zone.server(index);
    const UpstreamHealth& health = server.health();
    ServerExplanation& entry = explanation.servers.emplace_back();
    entry.provider = server.options().provider;
    entry.address = server.options().endpoint.ToString();
    entry.transport = TransportName(server.options().transport);
    entry.state = server.unusable() ? "unused" : StateName(health.state());
    entry.why = Why(zone, server, explanation.servers.size() == 1);
    entry.connections = server.ready_connections();
    entry.in_flight = server.Snapshot().in_flight;
    entry.failures_in_row = health.failures_in_row();
    entry.response_time = health.response_time();
    entry.slow_response_time = health.slow_response_time();
    if (server.down() && !server.unusable()) {
      const Duration due = health.next_probe() - now;
      const Duration latest = zone.AllDown() ? Duration(ProbeGate::kInterval) : Duration::max();
      entry.next_probe_in = std::clamp(due, Duration::zero(), latest);
    }
  }
  return explanation;
}

}  // namespace dotcache
