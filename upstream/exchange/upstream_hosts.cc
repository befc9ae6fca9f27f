// SPDX-License-Identifier: Apache-2.0
#include "upstream/exchange/upstream_hosts.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_join.h"
#include "core/log.h"

namespace dotcache {
namespace {

// The least time between two rounds about one host.
constexpr Duration kWhileNobodyKnows = Seconds(1);
constexpr Duration kWhileAllAreDown = Seconds(5);

}  // namespace

UpstreamHosts::UpstreamHosts(const UpstreamServer::Context& context,
                             absl::Span<const std::unique_ptr<UpstreamZone>> zones,
                             Exchanger& bootstrap, OnChange on_change)
    : log_changes_(!context.quiet), on_change_(std::move(on_change)) {
  std::vector<HostResolver::Host> hosts;
  for (const auto& zone : zones) {
    for (size_t i = 0; i < zone->size(); ++i) {
      const UpstreamServerOptions& server = zone->options().servers[i];
      if (server.host.empty() || server.slot != 0) continue;
      groups_.push_back({.zone = zone.get(), .first = i, .host = server.host, .slots = {}});
      // A zone that stays, or its servers, have their addresses.
      for (size_t slot = 0; slot < kMaxHostAddresses; ++slot) {
        const UpstreamServer& place = zone->server(i + slot);
        groups_.back().slots.push_back(
            place.absent() ? std::nullopt : std::make_optional(place.options().endpoint));
      }
      // The configuration has accepted it as a host name.
      hosts.push_back({DomainName::FromText(server.host).value_or(DomainName()).Canonical(),
                       server.endpoint.port()});
    }
  }
  HostResolver::Delegate& self = *this;
  resolver_ = std::make_unique<HostResolver>(context.loop, bootstrap, hosts, context.random, self);
}

bool UpstreamHosts::IsPending(const UpstreamZone& zone) const {
  for (size_t host = 0; host < groups_.size(); ++host) {
    if (groups_[host].zone == &zone && resolver_->IsFirst(host)) return true;
  }
  return false;
}

void UpstreamHosts::OnNoAddress(const UpstreamZone& zone) {
  for (size_t host = 0; host < groups_.size(); ++host) {
    if (groups_[host].zone == &zone) resolver_->Hurry(host, kWhileNobodyKnows);
  }
}

void UpstreamHosts::OnServersDown() {
  for (size_t host = 0; host < groups_.size(); ++host) {
    if (IsHostUseless(host)) resolver_->Hurry(host, kWhileAllAreDown);
  }
}

void UpstreamHosts::OnHostResolved(size_t host, const std::vector<Endpoint>& addresses) {
  Group& group = groups_[host];
  std::vector<std::optional<Endpoint>> slots = AssignSlots(group.slots, addresses);
  if (slots == group.slots && !group.told_unresolved) return;
  group.told_unresolved = false;
  for (size_t i = 0; i < slots.size(); ++i) {
    if (slots[i] != group.slots[i]) group.zone->SetAddress(group.first + i, slots[i]);
  }
  group.slots = std::move(slots);
  if (log_changes_) {
    const std::string texts = absl::StrJoin(
        addresses, ",",
        [](std::string* out, const Endpoint& address) { *out += address.ToString(); });
    Log(LogLevel::kInfo, "upstream resolved", {{"provider", group.host}, {"addresses", texts}});
  }
  on_change_(*group.zone);
}

void UpstreamHosts::OnHostUnresolved(size_t host, const std::string& cause) {
  Group& group = groups_[host];
  if (std::exchange(group.told_unresolved, true)) return;
  if (log_changes_) {
    const bool has_some =
        std::any_of(group.slots.begin(), group.slots.end(),
                    [](const std::optional<Endpoint>& slot) { return slot.has_value(); });
    Log(LogLevel::kWarn, "upstream cannot be resolved",
        {{"provider", group.host},
         {"cause", cause},
         {"addresses", has_some ? "the previous ones" : "none"}});
  }
  on_change_(*group.zone);
}

bool UpstreamHosts::IsHostUseless(size_t host) const {
  const Group& group = groups_[host];
  for (size_t i = 0; i < group.slots.size(); ++i) {
    const UpstreamServer& server = group.zone->server(group.first + i);
    if (!server.absent() && !server.health().down()) return false;
  }
  return true;
}

}  // namespace dotcache
