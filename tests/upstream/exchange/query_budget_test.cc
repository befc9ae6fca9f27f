// SPDX-License-Identifier: Apache-2.0
#include "upstream/exchange/query_budget.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

constexpr MonoTime kNow{Seconds(100)};

int TakeAll(QueryBudget& budget) {
  int taken = 0;
  for (; budget.HasOne(); ++taken) budget.Take();
  return taken;
}

// A budget that has an exchange at kNow, and is used up.
QueryBudget UsedUpNow() {
  QueryBudget budget(0.3, 100, /*per_second=*/20);
  budget.OnExchange(kNow);
  TakeAll(budget);
  return budget;
}

TEST(QueryBudgetTest, TheBurstIsSavedAtFirstAndAtMost) {
  QueryBudget budget(0.5, 50);
  EXPECT_EQ(TakeAll(budget), 50);
  for (int i = 0; i < 1000; ++i) budget.OnExchange(kNow);
  EXPECT_EQ(TakeAll(budget), 50);
}

TEST(QueryBudgetTest, ExchangesAddTheirPart) {
  QueryBudget budget(0.25, 10);
  TakeAll(budget);
  for (int i = 0; i < 3; ++i) budget.OnExchange(kNow);
  EXPECT_FALSE(budget.HasOne());
  budget.OnExchange(kNow);
  EXPECT_EQ(TakeAll(budget), 1);
}

TEST(QueryBudgetTest, FewExchangesAddWhatASecondHas) {
  QueryBudget budget = UsedUpNow();
  for (int i = 1; i <= 10; ++i) budget.OnExchange(kNow + i * Milliseconds(100));
  EXPECT_EQ(TakeAll(budget), 20);
  for (int i = 1; i <= 1000; ++i) budget.OnExchange(kNow + Seconds(1) + i * Milliseconds(1));
  EXPECT_LE(TakeAll(budget), 100);
}

TEST(QueryBudgetTest, ManyExchangesAddTheirPartOnly) {
  QueryBudget budget = UsedUpNow();
  for (int i = 1; i <= 200; ++i) budget.OnExchange(kNow + i * Milliseconds(5));
  EXPECT_NEAR(TakeAll(budget), 60, 1);
}

}  // namespace
}  // namespace dotcache
