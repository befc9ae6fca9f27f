// SPDX-License-Identifier: Apache-2.0
#include "upstream/exchange/query_budget.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

int TakeAll(QueryBudget& budget) {
  int taken = 0;
  for (; budget.HasOne(); ++taken) budget.Take();
  return taken;
}

TEST(QueryBudgetTest, TheBurstIsSavedAtFirstAndAtMost) {
  QueryBudget budget(0.5, 50);
  EXPECT_EQ(TakeAll(budget), 50);
  for (int i = 0; i < 1000; ++i) budget.OnExchange();
  EXPECT_EQ(TakeAll(budget), 50);
}

TEST(QueryBudgetTest, ExchangesAddTheirPart) {
  QueryBudget budget(0.25, 10);
  TakeAll(budget);
  for (int i = 0; i < 3; ++i) budget.OnExchange();
  EXPECT_FALSE(budget.HasOne());
  budget.OnExchange();
  EXPECT_EQ(TakeAll(budget), 1);
}

}  // namespace
}  // namespace dotcache
