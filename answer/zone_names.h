// SPDX-License-Identifier: Apache-2.0
// The zones with servers of their own, by name.
#ifndef DOTCACHE_ANSWER_ZONE_NAMES_H_
#define DOTCACHE_ANSWER_ZONE_NAMES_H_

#include <cstddef>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "dns/domain_name.h"
#include "dns/question.h"

namespace dotcache {

// Finds the zone whose servers are queried for a name. Zones have numbers; 0 is the root.
// Immutable, so any thread may call it.
class ZoneNames {
 public:
  // The root may be among them.
  explicit ZoneNames(absl::Span<const DomainName> zones) {
    for (const DomainName& zone : zones) {
      if (zone.LabelCount() > 0) numbers_.try_emplace(zone.Canonical(), numbers_.size() + 1);
    }
  }

  // The number of zones, with the root.
  size_t size() const { return numbers_.size() + 1; }

  // The zone closest to the question's name; for a DS, closest to the name above it.
  size_t ZoneOf(const Question& question) const {
    if (numbers_.empty()) return 0;
    DomainName name = question.NameInZone();
    for (; name.LabelCount() > 0; name = name.WithoutLabels(1)) {
      const auto found = numbers_.find(name);
      if (found != numbers_.end()) return found->second;
    }
    return 0;
  }

 private:
  absl::flat_hash_map<DomainName, size_t> numbers_;  // Without the root.
};

}  // namespace dotcache

#endif  // DOTCACHE_ANSWER_ZONE_NAMES_H_
