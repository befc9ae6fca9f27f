// SPDX-License-Identifier: Apache-2.0
#include "upstream/exchange/exchange_table.h"

#include <vector>

#include "gtest/gtest.h"
#include "tests/support/simulated_loop.h"

namespace dotcache {
namespace {

class ExchangeTableTest : public testing::Test {
 protected:
  SimulatedLoop loop_;
  std::vector<ExchangeId> fired_;
  ExchangeTable table_{loop_, [this](ExchangeRecord& exchange) { fired_.push_back(exchange.id); }};
};

TEST_F(ExchangeTableTest, AnExchangeIsFoundByItsIdAndItsAttempts) {
  ExchangeRecord& exchange = table_.Take();
  exchange.attempts_made = 64;
  for (AttemptId attempt = 1; attempt <= 2; ++attempt) {
    exchange.attempts.push_back({.id = exchange.NextAttemptId(), .place = {}, .began = {}});
    ++exchange.attempts_made;
  }
  EXPECT_EQ(table_.Find(exchange.id), &exchange);
  EXPECT_EQ(table_.FindByAttempt(exchange.attempts[1].id), std::pair(&exchange, size_t{1}));
  EXPECT_EQ(table_.FindByAttempt(exchange.NextAttemptId()).first, nullptr);
  EXPECT_EQ(table_.Find(exchange.id + 1), nullptr);
  EXPECT_EQ(table_.Find(0), nullptr);
}

TEST_F(ExchangeTableTest, APlaceIsUsedAgainUnderAnotherId) {
  ExchangeRecord& first = table_.Take();
  const ExchangeId id = first.id;
  const AttemptId attempt = first.NextAttemptId();
  first.attempts_made = 1;
  table_.Release(first);
  EXPECT_EQ(table_.Find(id), nullptr);
  ExchangeRecord& second = table_.Take();
  EXPECT_EQ(&second, &first);
  EXPECT_EQ(table_.Find(id), nullptr);
  EXPECT_EQ(table_.FindByAttempt(attempt).first, nullptr);
  EXPECT_EQ(second.attempts_made, 0u);
}

TEST_F(ExchangeTableTest, AnAttemptIsFoundAfterAnyNumberOfUsesOfThePlace) {
  ExchangeRecord& exchange = table_.Take();
  exchange.id |= ((ExchangeId{1} << 32) - 1) << 24;
  table_.Release(exchange);
  for (int i = 0; i < 3; ++i) {
    ExchangeRecord& again = table_.Take();
    again.attempts.push_back({.id = again.NextAttemptId(), .place = {}, .began = {}});
    EXPECT_EQ(table_.FindByAttempt(again.attempts[0].id).first, &again);
    table_.Release(again);
  }
}

TEST_F(ExchangeTableTest, EachExchangeHasItsTimerWhichEndsWithIt) {
  ExchangeRecord& first = table_.Take();
  ExchangeRecord& second = table_.Take();
  first.timer->Start(Seconds(1));
  second.timer->Start(Seconds(1));
  const ExchangeId id = second.id;
  table_.Release(first);
  loop_.Advance(Seconds(2));
  EXPECT_EQ(fired_, std::vector<ExchangeId>{id});
  EXPECT_EQ(table_.size(), 1u);
}

}  // namespace
}  // namespace dotcache
