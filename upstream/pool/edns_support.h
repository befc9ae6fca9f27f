// SPDX-License-Identifier: Apache-2.0
// How much of EDNS a server understands.
#ifndef DOTCACHE_UPSTREAM_POOL_EDNS_SUPPORT_H_
#define DOTCACHE_UPSTREAM_POOL_EDNS_SUPPORT_H_

#include <optional>

#include "core/clock.h"
#include "dns/outgoing_query.h"
#include "dns/response.h"

namespace dotcache {

// What is known about the EDNS of one server (RFC 6891 sections 6.2.2 and 7). A server that answers
// FORMERR, NOTIMP or BADVERS may not understand an OPT record or one of its options. The query is
// sent again with less EDNS. If the server then answers otherwise, later queries use less EDNS,
// too, for kMemory. Then a query has the full OPT again, because the server may have been replaced.
//
// Without EDNS there is no DNSSEC. So nothing is learned while the server understood a full OPT
// within kMemory: one odd name must not cost the others their signatures. A value; not thread-safe.
class EdnsSupport {
 public:
  static constexpr Duration kMemory = Seconds(900);

  // The use to send the query with again. nullopt if the response is the result. `used`: what the
  // query had.
  static std::optional<EdnsUse> Lower(const ResponseFacts& response, EdnsUse used);

  // What a query may use now.
  EdnsUse UseAt(MonoTime now) const { return now < until_ ? use_ : EdnsUse::kFull; }

  // A response came to a query with `used`. Returns true if the server is known from now on to
  // understand less, and was not known to before the last response to a full OPT.
  bool NoteResponse(const ResponseFacts& response, EdnsUse used, MonoTime now);

 private:
  EdnsUse use_ = EdnsUse::kFull;
  EdnsUse told_ = EdnsUse::kFull;
  MonoTime until_;       // The clock's epoch: never.
  MonoTime understood_;  // The latest OPT in response to a full one. The same.
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_POOL_EDNS_SUPPORT_H_
