// SPDX-License-Identifier: Apache-2.0
// Limits the queries that are sent in addition to the first one of each exchange.
#ifndef DOTCACHE_UPSTREAM_EXCHANGE_QUERY_BUDGET_H_
#define DOTCACHE_UPSTREAM_EXCHANGE_QUERY_BUDGET_H_

#include <algorithm>

namespace dotcache {

// A token bucket. Each exchange adds a part of a token, an additional query takes one, and `burst`
// can be saved. So an outage cannot multiply the load on a server. A value; not thread-safe.
class QueryBudget {
 public:
  QueryBudget(double per_exchange, double burst)
      : per_exchange_(per_exchange), burst_(burst), tokens_(burst) {}

  void OnExchange() { tokens_ = std::min(tokens_ + per_exchange_, burst_); }

  bool HasOne() const { return tokens_ >= 1; }
  // REQUIRES: HasOne().
  void Take() { tokens_ -= 1; }

 private:
  double per_exchange_;
  double burst_;
  double tokens_;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_EXCHANGE_QUERY_BUDGET_H_
