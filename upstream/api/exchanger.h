// SPDX-License-Identifier: Apache-2.0
// One query out, one response back: the seam between the server and its upstreams.
#ifndef DOTCACHE_UPSTREAM_API_EXCHANGER_H_
#define DOTCACHE_UPSTREAM_API_EXCHANGER_H_

#include <cstdint>

#include "absl/functional/any_invocable.h"
#include "core/bytes.h"
#include "core/clock.h"
#include "dns/outgoing_query.h"
#include "dns/response.h"
#include "upstream/api/exchange_failure.h"

namespace dotcache {

// A response that matches its query and was inspected.
struct UpstreamResponse {
  WireMessage wire;
  ResponseFacts facts;
};

using ExchangeId = uint64_t;
using ExchangeCallback = absl::AnyInvocable<void(ExchangeOr<UpstreamResponse>) &&>;

// Gets a response from the servers of the question's zone. Bound to its loop's thread.
class Exchanger {
 public:
  virtual ~Exchanger() = default;

  // Begins an exchange that ends at `deadline` at the latest. A failure known at once is returned
  // and `callback` dropped; else `callback` is called exactly once, from the loop, never inside
  // this call, or never after Cancel(). A SERVFAIL or other error RCODE that servers agree on is a
  // response, not a failure.
  virtual ExchangeOr<ExchangeId> Exchange(const UpstreamQuery& query, MonoTime deadline,
                                          ExchangeCallback callback) = 0;

  // Forgets an exchange; its callback is destroyed uncalled. Unknown ids are ignored.
  virtual void Cancel(ExchangeId id) = 0;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_API_EXCHANGER_H_
