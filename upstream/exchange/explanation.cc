// SPDX-License-Identifier: Apache-2.0
#include "upstream/exchange/explanation.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
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

// Adds the response time to the reason, if the policy goes by it. `first`: the first server, null
// for itself.
std::string WithTime(const std::string& why, const UpstreamZone& zone, const ServerView& view,
                     const ServerView* first) {
  const SelectionPolicy policy = zone.options().policy;
  const auto time = view.status.response_time;
  if (policy != SelectionPolicy::kBalanced && policy != SelectionPolicy::kFastest) return why;
  if (!time.has_value()) return absl::StrCat(why, " (not measured)");
  const bool slower = first != nullptr && first->status.response_time.value_or(*time) < *time;
  const std::chrono::duration<double, std::milli> ms = *time;
  return absl::StrFormat("%s (%s%.1f ms)", why, slower ? "slower: " : "", ms.count());
}

// `first`: the first server in the order, null for itself.
std::string Why(const UpstreamZone& zone, const ServerView& view, const UpstreamServer& server,
                const ServerView* first) {
  const Provider& provider = zone.provider(view.provider);
  switch (view.status.state) {
    case ServerState::kLoop:
      return "forwarding loop: queries sent to it come back";
    case ServerState::kNoCarrier:
      return "the link to it has no carrier";
    case ServerState::kNoAddress:
      return provider.taken_out() ? "taken out with `dotcache ctl take-out`"
                                  : "its name has no address";
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
  const std::string why = first == nullptr
                              ? std::string(NameInOrder(kFirstByPolicy, zone.options().policy))
                              : "if the servers before it fail";
  return WithTime(why, zone, view, first);
}

// The servers in the order of querying, then those that get no query because an operator took them
// out or because their host name has no address at all.
ServerOrder AllInOrder(const UpstreamZone& zone, const DomainName& qname,
                       const UpstreamZone::Views& views) {
  ServerOrder order = zone.PreviewOrder(qname, views);
  uint64_t listed = 0;
  for (const uint8_t index : order) listed |= uint64_t{1} << index;
  for (size_t i = 0; i < views.size(); ++i) {
    const UpstreamServer& server = zone.server(i);
    const bool is_shown =
        server.absent() ? server.options().slot == 0 : zone.provider(views[i].provider).taken_out();
    if (is_shown && (listed >> i & 1) == 0) order.push_back(static_cast<uint8_t>(i));
  }
  return order;
}

}  // namespace

NameExplanation Explain(const UpstreamZone& zone, const DomainName& qname, MonoTime now) {
  NameExplanation explanation;
  explanation.zone = zone.options().zone.ToString();
  explanation.policy = SelectionPolicyName(zone.options().policy);
  explanation.hedges = zone.MayHedge();
  const UpstreamZone::Views views = zone.LookAt(now);
  explanation.hedge_after = zone.HedgeTime(views);
  const ServerView* first = nullptr;
  for (const uint8_t index : AllInOrder(zone, qname, views)) {
    const UpstreamServer& server = zone.server(index);
    const UpstreamHealth& health = server.health();
    const ServerStatus& status = views[index].status;
    ServerExplanation& entry = explanation.servers.emplace_back();
    entry.provider = server.options().provider;
    entry.address = server.options().endpoint.ToString();
    entry.transport = TransportName(server.options().transport);
    entry.state = ServerStateName(status.state);
    entry.why = Why(zone, views[index], server, first);
    if (first == nullptr) first = &views[index];
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
