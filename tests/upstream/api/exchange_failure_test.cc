// SPDX-License-Identifier: Apache-2.0
#include "upstream/api/exchange_failure.h"

#include <memory>
#include <set>

#include "gtest/gtest.h"

namespace dotcache {
namespace {

TEST(ExchangeFailureTest, EachHasATextOfItsOwn) {
  std::set<std::string> texts;
  for (int i = 0; i <= static_cast<int>(ExchangeFailure::kAliases); ++i) {
    texts.insert(ExchangeFailureText(static_cast<ExchangeFailure>(i)));
  }
  EXPECT_EQ(texts.size(), static_cast<size_t>(ExchangeFailure::kAliases) + 1);
  EXPECT_EQ(ExchangeFailureText(ExchangeFailure::kNone), "");
}

TEST(ExchangeFailureTest, AValueOrTheReason) {
  ExchangeOr<std::unique_ptr<int>> value(std::make_unique<int>(7));
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(value.failure(), ExchangeFailure::kNone);
  EXPECT_EQ(*std::unique_ptr<int>(*std::move(value)), 7);
  const ExchangeOr<int> failure(ExchangeFailure::kLoop);
  EXPECT_FALSE(failure.ok());
  EXPECT_EQ(failure.failure(), ExchangeFailure::kLoop);
}

}  // namespace
}  // namespace dotcache
