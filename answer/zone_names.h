// SPDX-License-Identifier: Apache-2.0
// The zones with servers of their own, by name.
#ifndef DOTCACHE_ANSWER_ZONE_NAMES_H_
#define DOTCACHE_ANSWER_ZONE_NAMES_H_

#include "absl/container/flat_hash_set.h"
#include "absl/types/span.h"
#include "dns/domain_name.h"
#include "dns/question.h"

namespace dotcache {

// Tells which zone's servers are queried. Immutable, so any thread may call it.
class ZoneNames {
 public:
  // The root may be among them.
  explicit ZoneNames(absl::Span<const DomainName> zones) {
    for (const DomainName& zone : zones) zones_.insert(zone.Canonical());
  }

  // The zone closest to the question's name; for a DS, closest to the name above it. The root if
  // there is no other.
  DomainName ZoneOf(const Question& question) const {
    DomainName name = question.NameInZone();
    while (name.LabelCount() > 0 && !zones_.contains(name)) name = name.WithoutLabels(1);
    return name;
  }

 private:
  absl::flat_hash_set<DomainName> zones_;
};

}  // namespace dotcache

#endif  // DOTCACHE_ANSWER_ZONE_NAMES_H_
