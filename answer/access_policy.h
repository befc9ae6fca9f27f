// SPDX-License-Identifier: Apache-2.0
// The access rules: which clients may query which names.
#ifndef DOTCACHE_ANSWER_ACCESS_POLICY_H_
#define DOTCACHE_ANSWER_ACCESS_POLICY_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "answer/network_table.h"
#include "core/rate_table.h"
#include "dns/dns_types.h"
#include "dns/domain_name.h"
#include "net/address_prefix.h"
#include "net/endpoint.h"

namespace dotcache {

enum class AccessAction : uint8_t {
  kAllow,
  kRefuse,  // REFUSED.
  kDrop,    // No reply; a connection is closed.
};
absl::string_view AccessActionName(AccessAction action);

// Names a listener in ReplyAddress and in rules. Equal listeners have equal keys, also after a
// reload. It is never 0, which stands for all listeners.
uint64_t ListenerKey(Transport transport, const Endpoint& endpoint);

// A listener as a rule names it.
struct AccessListener {
  Transport transport = Transport::kUdp;
  Endpoint endpoint;
};

// One element of the setting `access`.
struct AccessRule {
  std::vector<AddressPrefix> networks;
  AccessAction action = AccessAction::kAllow;
  std::vector<DomainName> zones;          // Empty: all names. Otherwise these and those below.
  std::vector<AccessListener> listeners;  // Empty: all listeners.
  // The rate of each client, instead of the common one (ClientRateOptions).
  std::optional<EventRate> client_rate;
};

// What the rules say about a query.
struct AccessVerdict {
  AccessAction action = AccessAction::kRefuse;
  // Which rate applies: 0 is the common one, N the one at N - 1 in client_rates().
  size_t rate = 0;
};

// What a client can get at best, before its query is known.
enum class AccessReach : uint8_t {
  kNoRule,   // Nothing, because no rule concerns it.
  kSilence,  // Nothing, because a rule drops all queries.
  kRefusals,
  kAnswers,
};

// Decides about clients and their queries. The rule of the deepest zone that contains the name
// counts. Of several, the one with the longest network counts, then one for the listener alone,
// then the first. A network of `allow` counts as a last rule that allows it. Immutable, so any
// thread may call it. A decision takes a few comparisons, and one look-up for each label of the
// name if a rule has zones.
class AccessPolicy {
 public:
  static constexpr size_t kMaxPrefixes = 256;  // Of `allow`, and of each rule.
  static constexpr size_t kMaxRules = 256;
  static constexpr size_t kMaxZones = 64;  // Of each rule.

  explicit AccessPolicy(const std::vector<AddressPrefix>& allow,
                        const std::vector<AccessRule>& rules = {});

  AccessVerdict Judge(const Endpoint& client, uint64_t listener, const DomainName& qname) const;
  AccessReach ReachOf(const Endpoint& client, uint64_t listener) const;

  // The rates that rules have, each once.
  const std::vector<EventRate>& client_rates() const { return client_rates_; }

 private:
  // A rule for one network and one listener.
  struct Entry {
    AddressPrefix network;
    uint64_t listener = 0;  // 0: all.
    AccessVerdict verdict;
  };

  // The rules of one zone.
  class ZoneRules {
   public:
    explicit ZoneRules(const std::vector<Entry>& entries);
    // Null if no rule concerns the client.
    const AccessVerdict* Find(const Endpoint& client, uint64_t listener) const;

   private:
    std::vector<std::vector<Entry>> of_network_;  // In the order in which they count.
    NetworkTable networks_;
  };

  using EntriesByZone = absl::flat_hash_map<DomainName, std::vector<Entry>>;

  AccessVerdict VerdictOf(const AccessRule& rule);
  static std::vector<AddressPrefix> NetworksOf(const EntriesByZone& zones, AccessAction action);

  std::vector<EventRate> client_rates_;
  std::optional<ZoneRules> root_;                     // Rules for all names.
  absl::flat_hash_map<DomainName, ZoneRules> zones_;  // Without the root.
  // The networks that a rule of a zone allows or refuses.
  std::optional<NetworkTable> allowed_in_zones_;
  std::optional<NetworkTable> refused_in_zones_;
};

}  // namespace dotcache

#endif  // DOTCACHE_ANSWER_ACCESS_POLICY_H_
