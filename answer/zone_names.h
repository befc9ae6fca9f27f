// SPDX-License-Identifier: Apache-2.0
// The zones with servers of their own, by name.
#ifndef DOTCACHE_ANSWER_ZONE_NAMES_H_
#define DOTCACHE_ANSWER_ZONE_NAMES_H_

#include <cstddef>
#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "dns/domain_name.h"
#include "dns/question.h"

namespace dotcache {

// Finds the zone whose servers are queried for a name. Zones have numbers; 0 is the root.
// Immutable, so any thread may call it.
class ZoneNames {
 public:
  // The root may be among them. A zone keeps the number that it has, or had, in `previous`, because
  // cache entries have these numbers.
  explicit ZoneNames(absl::Span<const DomainName> zones, const ZoneNames* previous = nullptr) {
    if (previous != nullptr && previous->known_.size() < kMaxKnown) known_ = previous->known_;
    for (const DomainName& zone : zones) {
      if (zone.LabelCount() == 0) continue;
      const auto known = known_.try_emplace(zone.Canonical(), known_.size() + 1).first;
      numbers_.insert(*known);
      last_labels_ |= LastLabelBit(zone);
    }
  }

  // Every number is below it.
  size_t size() const { return known_.size() + 1; }

  // The zone closest to the question's name; for a DS, closest to the name above it.
  size_t ZoneOf(const Question& question) const {
    // Most names have another last label than all zones.
    if ((last_labels_ & LastLabelBit(question.qname)) == 0) return 0;
    DomainName name = question.NameInZone();
    for (; name.LabelCount() > 0; name = name.WithoutLabels(1)) {
      const auto found = numbers_.find(name);
      if (found != numbers_.end()) return found->second;
    }
    return 0;
  }

 private:
  // One of 64 bits for the last label in any case; none for the root.
  static uint64_t LastLabelBit(const DomainName& name) {
    const Bytes wire = name.wire();
    size_t last = 0;
    for (size_t at = 0; wire[at] != 0; at += size_t{1} + wire[at]) last = at;
    if (wire[last] == 0) return 0;
    return uint64_t{1} << ((wire[last] * 7 + (wire[last + 1] | 0x20)) % 64);
  }

  static constexpr size_t kMaxKnown = 1024;  // After so many names, numbers begin anew.

  uint64_t last_labels_ = 0;  // Of all zones.
  // Without the root.
  absl::flat_hash_map<DomainName, size_t> numbers_;
  absl::flat_hash_map<DomainName, size_t> known_;  // With former zones.
};

}  // namespace dotcache

#endif  // DOTCACHE_ANSWER_ZONE_NAMES_H_
