// SPDX-License-Identifier: Apache-2.0
// Special-use and private zones, which are answered locally and never forwarded.
#ifndef DOTCACHE_LOCAL_LOCAL_ZONES_H_
#define DOTCACHE_LOCAL_LOCAL_ZONES_H_

#include <optional>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "dns/domain_name.h"
#include "dns/question.h"
#include "dns/response.h"

namespace dotcache {

// Zones that no public server can answer. A query for one of them would leak private data. They
// are:
// - localhost, invalid, test (RFC 6761), local (RFC 6762), onion (RFC 7686), home.arpa (RFC 8375),
//   resolver.arpa (RFC 9462), alt (RFC 9476);
// - the reverse zones of private, shared, link-local, loopback and documentation addresses (RFC
//   6303, 7793).
//
// Each zone has an SOA and an NS and no names below it, except localhost's addresses and two
// loopback PTRs. A zone also has the names at and above zones with servers of their own.
//
// A DS is data of the parent (RFC 4035 section 3.1.4.1). So a question for the DS of a zone below
// arpa is not answered, because a validating client needs the proof of the public tree. The other
// zones do not exist there, and their names must not be forwarded.
//
// Immutable and therefore safe from any thread.
class LocalZones {
 public:
  // Names at or below a zone of `forwarded` are not answered locally, because the operator has
  // servers for them. A deeper local zone still answers its names. The root in `forwarded` is
  // ignored. Zones at or below a name of `except` are left out.
  explicit LocalZones(absl::Span<const DomainName> forwarded,
                      absl::Span<const DomainName> except = {});

  // The names of zones that `except` may contain. The many reverse zones within 172.16.0.0/12 and
  // 100.64.0.0/10 are represented by the name above them.
  static std::vector<absl::string_view> Names();
  static bool HoldsZoneAtOrBelow(const DomainName& name);

  // The response for `question` as a stored message of age 0. nullopt when no local zone contains
  // its name. `exists`: the name has records elsewhere, so the response is not NXDOMAIN.
  std::optional<StoredMessage> Answer(const Question& question, bool exists = false) const;

 private:
  absl::flat_hash_set<DomainName> zones_;
  absl::flat_hash_set<DomainName> top_level_;  // Of these zones. Most names are below none of them.
  absl::flat_hash_set<DomainName> forwarded_;
  absl::flat_hash_set<DomainName> above_forwarded_;  // The forwarded names and those above them.
};

}  // namespace dotcache

#endif  // DOTCACHE_LOCAL_LOCAL_ZONES_H_
