// SPDX-License-Identifier: Apache-2.0
// Hides the names and clients of the query log as far as the operator wants.
#ifndef DOTCACHE_QUERY_LOG_PSEUDONYMS_H_
#define DOTCACHE_QUERY_LOG_PSEUDONYMS_H_

#include <cstdint>
#include <string>

#include "core/siphash.h"
#include "dns/domain_name.h"
#include "net/endpoint.h"
#include "query_log/query_log_options.h"

namespace dotcache {

// Within one day, equal names have equal hashes, and so have equal clients. The key is random and
// changes with the day (UTC), so hashes of two days cannot be linked. Not
// thread-safe.
class Pseudonyms {
 public:
  Pseudonyms(Disclosure names, Disclosure clients) : names_(names), clients_(clients) {}

  // Renews the key on a new day. To be called before the other functions.
  void UseDay(int64_t unix_seconds);

  // A name as ToString() writes it, its last two labels, or 16 hexadecimal digits.
  std::string NameText(const DomainName& name) const;

  // "192.0.2.1:53", "192.0.2.0/24", "2001:db8::/48", or 16 hexadecimal digits.
  std::string ClientText(const Endpoint& client) const;

 private:
  uint64_t HashOf(Bytes octets) const { return SipHash24(key_, octets); }

  const Disclosure names_;
  const Disclosure clients_;
  int64_t day_ = -1;
  HashSeed key_;
};

}  // namespace dotcache

#endif  // DOTCACHE_QUERY_LOG_PSEUDONYMS_H_
