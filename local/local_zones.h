// SPDX-License-Identifier: Apache-2.0
// Special-use and private zones, answered here and never forwarded.
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

// The zones that no public server can answer, and that asking one would leak: localhost, invalid,
// test (RFC 6761), local (RFC 6762), onion (RFC 7686), home.arpa (RFC 8375), resolver.arpa (RFC
// 9462), alt (RFC 9476), and the reverse zones of private, shared, link-local, loopback and
// documentation addresses (RFC 6303, 7793). Each exists with its SOA and NS and nothing below it,
// but for localhost's addresses and the two loopback PTRs. DS of those that the public tree
// delegates (home.arpa and the reverse zones) is not answered: the parent has it. Immutable, hence
// safe from any thread.
class LocalZones {
 public:
  // Names at or below a zone of `forwarded` are not answered here, unless a local zone lies deeper:
  // the operator has servers for them. The root does not count. Zones at or below a name of
  // `except` are left out.
  explicit LocalZones(absl::Span<const DomainName> forwarded,
                      absl::Span<const DomainName> except = {});

  // What can be left out, as texts: the zones, but of the many reverse zones within 172.16.0.0/12
  // and 100.64.0.0/10 the name above them.
  static std::vector<absl::string_view> Names();
  static bool HoldsZoneAtOrBelow(const DomainName& name);

  // The response for `question` as a stored message of age 0, or nullopt when no local zone holds
  // it.
  std::optional<StoredMessage> Answer(const Question& question) const;

 private:
  absl::flat_hash_set<DomainName> zones_;
  absl::flat_hash_set<DomainName> forwarded_;
};

}  // namespace dotcache

#endif  // DOTCACHE_LOCAL_LOCAL_ZONES_H_
