// SPDX-License-Identifier: Apache-2.0
#include "answer/access_policy.h"

#include <algorithm>
#include <utility>

#include "absl/hash/hash.h"
#include "core/names.h"

namespace dotcache {

constexpr absl::string_view kActionNames[] = {"allow", "refuse", "drop"};

absl::string_view AccessActionName(AccessAction action) {
  return NameInOrder(kActionNames, action);
}

uint64_t ListenerKey(Transport transport, const Endpoint& endpoint) {
  return absl::HashOf(transport, endpoint) | 1;
}

AccessPolicy::ZoneRules::ZoneRules(const std::vector<Entry>& entries)
    : networks_(absl::Span<const AddressPrefix>()) {
  std::vector<Entry> sorted = entries;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Entry& a, const Entry& b) {
    if (a.network.length_bits() != b.network.length_bits()) {
      return a.network.length_bits() > b.network.length_bits();
    }
    return a.listener != 0 && b.listener == 0;
  });
  std::vector<AddressPrefix> networks;
  for (const Entry& entry : sorted) {
    if (std::find(networks.begin(), networks.end(), entry.network) != networks.end()) continue;
    networks.push_back(entry.network);
    std::vector<Entry>& rules = of_network_.emplace_back();
    for (const Entry& other : sorted) {
      if (!entry.network.IsWithin(other.network)) continue;
      rules.push_back(other);
      if (other.listener == 0) break;  // It concerns every query that comes this far.
    }
  }
  networks_ = NetworkTable(networks);
}

const AccessVerdict* AccessPolicy::ZoneRules::Find(const Endpoint& client,
                                                   uint64_t listener) const {
  const size_t place = networks_.Find(client);
  if (place == NetworkTable::kNone) return nullptr;
  for (const Entry& entry : of_network_[place]) {
    if (entry.listener == 0 || entry.listener == listener) return &entry.verdict;
  }
  return nullptr;
}

AccessPolicy::AccessPolicy(const std::vector<AddressPrefix>& allow,
                           const std::vector<AccessRule>& rules) {
  EntriesByZone entries;
  entries[DomainName()];
  for (const AccessRule& rule : rules) {
    const AccessVerdict verdict = VerdictOf(rule);
    std::vector<uint64_t> listeners;
    for (const AccessListener& listener : rule.listeners) {
      listeners.push_back(ListenerKey(listener.transport, listener.endpoint));
    }
    if (listeners.empty()) listeners.push_back(0);
    std::vector<DomainName> zones;
    for (const DomainName& zone : rule.zones) zones.push_back(zone.Canonical());
    if (zones.empty()) zones.emplace_back();
    for (const DomainName& zone : zones) {
      for (const AddressPrefix& network : rule.networks) {
        for (const uint64_t listener : listeners) {
          entries[zone].push_back({network, listener, verdict});
        }
      }
    }
  }
  for (const AddressPrefix& network : allow) {
    entries[DomainName()].push_back({network, 0, {AccessAction::kAllow, 0}});
  }
  root_.emplace(entries[DomainName()]);
  entries.erase(DomainName());
  for (const auto& [zone, of_zone] : entries) zones_.try_emplace(zone, of_zone);
  allowed_in_zones_.emplace(NetworksOf(entries, AccessAction::kAllow));
  refused_in_zones_.emplace(NetworksOf(entries, AccessAction::kRefuse));
}

AccessVerdict AccessPolicy::VerdictOf(const AccessRule& rule) {
  AccessVerdict verdict{rule.action, 0};
  if (!rule.client_rate.has_value()) return verdict;
  const auto same = std::find(client_rates_.begin(), client_rates_.end(), *rule.client_rate);
  verdict.rate = static_cast<size_t>(same - client_rates_.begin()) + 1;
  if (same == client_rates_.end()) client_rates_.push_back(*rule.client_rate);
  return verdict;
}

std::vector<AddressPrefix> AccessPolicy::NetworksOf(const EntriesByZone& zones,
                                                    AccessAction action) {
  std::vector<AddressPrefix> networks;
  for (const auto& [zone, entries] : zones) {
    for (const Entry& entry : entries) {
      const bool known =
          std::find(networks.begin(), networks.end(), entry.network) != networks.end();
      if (entry.verdict.action == action && !known) networks.push_back(entry.network);
    }
  }
  return networks;
}

AccessVerdict AccessPolicy::Judge(const Endpoint& client, uint64_t listener,
                                  const DomainName& qname) const {
  if (!zones_.empty()) {
    DomainName name = qname.Canonical();
    for (; name.LabelCount() > 0; name = name.WithoutLabels(1)) {
      const auto zone = zones_.find(name);
      if (zone == zones_.end()) continue;
      if (const AccessVerdict* found = zone->second.Find(client, listener)) return *found;
    }
  }
  const AccessVerdict* found = root_->Find(client, listener);
  return found == nullptr ? AccessVerdict() : *found;
}

AccessReach AccessPolicy::ReachOf(const Endpoint& client, uint64_t listener) const {
  const AccessVerdict* found = root_->Find(client, listener);
  const auto is_for_all = [found](AccessAction action) {
    return found != nullptr && found->action == action;
  };
  const auto is_in = [&client](const NetworkTable& networks) {
    return networks.Find(client) != NetworkTable::kNone;
  };
  if (is_for_all(AccessAction::kAllow) || is_in(*allowed_in_zones_)) return AccessReach::kAnswers;
  if (is_for_all(AccessAction::kRefuse) || is_in(*refused_in_zones_)) return AccessReach::kRefusals;
  return is_for_all(AccessAction::kDrop) ? AccessReach::kSilence : AccessReach::kNoRule;
}

}  // namespace dotcache
