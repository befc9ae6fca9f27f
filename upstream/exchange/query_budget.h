// SPDX-License-Identifier: Apache-2.0
// Limits the queries that are sent in addition to the first one of each exchange.
#ifndef DOTCACHE_UPSTREAM_EXCHANGE_QUERY_BUDGET_H_
#define DOTCACHE_UPSTREAM_EXCHANGE_QUERY_BUDGET_H_

#include <algorithm>
#include <chrono>

#include "core/clock.h"

namespace dotcache {

// A token bucket. Each exchange adds a part of a token, an additional query takes one, and `burst`
// can be saved. So an outage cannot multiply the load on a server. Few exchanges are no load: each
// adds as many tokens as `per_second` adds in the time since the one before, if that is more. A
// value; not thread-safe.
class QueryBudget {
 public:
  QueryBudget(double per_exchange, double burst, double per_second = 0)
      : per_exchange_(per_exchange), per_second_(per_second), burst_(burst), tokens_(burst) {}

  void OnExchange(MonoTime now) {
    const std::chrono::duration<double> passed = now - latest_;
    latest_ = now;
    tokens_ = std::min(tokens_ + std::max(per_exchange_, per_second_ * passed.count()), burst_);
  }

  bool HasOne() const { return tokens_ >= 1; }
  // REQUIRES: HasOne().
  void Take() { tokens_ -= 1; }

 private:
  double per_exchange_;
  double per_second_;
  double burst_;
  double tokens_;
  MonoTime latest_;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_EXCHANGE_QUERY_BUDGET_H_
