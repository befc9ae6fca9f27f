// SPDX-License-Identifier: Apache-2.0
// How many queries may be asked twice for speed.
#ifndef DOTCACHE_UPSTREAM_EXCHANGE_HEDGE_BUDGET_H_
#define DOTCACHE_UPSTREAM_EXCHANGE_HEDGE_BUDGET_H_

#include <algorithm>

namespace dotcache {

// A token bucket: every exchange earns a twentieth of a token, a hedge (a second query while the
// first still may be answered) costs one, and 50 can be saved. So an outage never doubles the load
// on those who are left, and hedges stay at 5 % of all queries. A value; not thread-safe.
class HedgeBudget {
 public:
  static constexpr double kEarnedPerExchange = 0.05;
  static constexpr double kBurst = 50;

  void OnExchange() { tokens_ = std::min(tokens_ + kEarnedPerExchange, kBurst); }

  // True when a hedge may be sent; it is paid for.
  bool HasOne() const { return tokens_ >= 1; }
  bool Take() {
    if (!HasOne()) return false;
    tokens_ -= 1;
    return true;
  }

 private:
  double tokens_ = kBurst;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_EXCHANGE_HEDGE_BUDGET_H_
