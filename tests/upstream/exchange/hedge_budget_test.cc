// SPDX-License-Identifier: Apache-2.0
#include "upstream/exchange/hedge_budget.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

int TakeAll(HedgeBudget& budget) {
  int taken = 0;
  while (budget.Take()) ++taken;
  return taken;
}

TEST(HedgeBudgetTest, FiftyAreSavedAtFirstAndAtMost) {
  HedgeBudget budget;
  for (int i = 0; i < 10000; ++i) budget.OnExchange();
  EXPECT_EQ(TakeAll(budget), 50);
}

TEST(HedgeBudgetTest, TwentyExchangesEarnOne) {
  HedgeBudget budget;
  TakeAll(budget);
  for (int i = 0; i < 19; ++i) budget.OnExchange();
  EXPECT_FALSE(budget.Take());
  for (int i = 0; i < 2; ++i) budget.OnExchange();
  EXPECT_TRUE(budget.Take());
  EXPECT_FALSE(budget.Take());
}

}  // namespace
}  // namespace dotcache
