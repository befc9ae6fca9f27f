// Special-use and private zones, answered here and never forwarded.
#ifndef DOTCACHE_SERVER_LOCAL_ZONES_H_
#define DOTCACHE_SERVER_LOCAL_ZONES_H_

#include <optional>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/types/span.h"
#include "dns/domain_name.h"
#include "dns/question.h"
#include "dns/response.h"

namespace dotcache {

// The zones that no public server can answer, and that asking one would leak: localhost, invalid,
// test (RFC 6761), local (RFC 6762), onion (RFC 7686), home.arpa (RFC 8375), resolver.arpa (RFC
// 9462), alt (RFC 9476), and the reverse zones of private, shared, link-local, loopback and
// documentation addresses (RFC 6303, 7793). Each exists with its SOA and NS and nothing below it,
// but for localhost's addresses and the two loopback PTRs. Immutable, hence safe from any thread.
class LocalZones {
 public:
  // Names at or below a zone of `forwarded` are not answered here, unless a local zone lies deeper:
  // the operator has servers for them. The root does not count.
  explicit LocalZones(absl::Span<const DomainName> forwarded);

  // The response for `question` as a stored message of age 0, or nullopt when no local zone holds
  // it.
  std::optional<StoredMessage> Answer(const Question& question) const;

 private:
  absl::flat_hash_set<DomainName> zones_;
  absl::flat_hash_set<DomainName> forwarded_;
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_LOCAL_ZONES_H_
