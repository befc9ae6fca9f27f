// SPDX-License-Identifier: Apache-2.0
#include "upstream/exchange/exchange_end.h"

#include <utility>

#include "gtest/gtest.h"

namespace dotcache {
namespace {

using absl::StatusCode;

constexpr MonoTime kNow{Seconds(100)};

ExchangeRecord WithAttempt() {
  ExchangeRecord exchange;
  exchange.progress.deadline = kNow + Seconds(1);
  exchange.progress.only_overloaded = false;
  exchange.progress.attempts.push_back({});
  return exchange;
}

TEST(ExchangeEndTest, TheErrorThatAServerAnsweredIsTheResult) {
  ExchangeRecord exchange = WithAttempt();
  EXPECT_EQ(ErrorOf(exchange), Rcode::kServFail);
  exchange.error_response.emplace();
  exchange.error_response->facts.rcode = Rcode::kRefused;
  EXPECT_EQ(ErrorOf(exchange), Rcode::kRefused);
  const auto end = EndOf(exchange, kNow);
  ASSERT_TRUE(end.ok());
  EXPECT_EQ(end->facts.rcode, Rcode::kRefused);
}

TEST(ExchangeEndTest, WithoutAResponseItWasTooLate) {
  ExchangeRecord exchange = WithAttempt();
  EXPECT_EQ(EndOf(exchange, kNow).status().code(), StatusCode::kDeadlineExceeded);
}

TEST(ExchangeEndTest, AMalformedResponseIsToldUnlessItIsTooLate) {
  ExchangeRecord exchange = WithAttempt();
  exchange.progress.saw_useless = true;
  EXPECT_EQ(EndOf(exchange, kNow).status().code(), StatusCode::kDataLoss);
  EXPECT_EQ(EndOf(exchange, kNow + Seconds(1)).status().code(), StatusCode::kDeadlineExceeded);
}

TEST(ExchangeEndTest, TheFailureSaysWhatCame) {
  ExchangeRecord exchange = WithAttempt();
  exchange.progress.saw_useless = true;
  exchange.useless = UpstreamFailure::kNotAnAnswer;
  EXPECT_NE(FailureOf(exchange, kNow).message().find("referral"), std::string::npos);
  exchange.useless = UpstreamFailure::kTruncated;
  EXPECT_NE(FailureOf(exchange, kNow).message().find("truncated"), std::string::npos);
}

TEST(ExchangeEndTest, AnErrorThatCannotBeRelayedIsTold) {
  ExchangeRecord exchange = WithAttempt();
  exchange.progress.has_error = true;
  EXPECT_EQ(FailureOf(exchange, kNow).code(), StatusCode::kAborted);
}

TEST(ExchangeEndTest, FullConnectionsAreALimit) {
  ExchangeRecord exchange = WithAttempt();
  exchange.progress.only_overloaded = true;
  exchange.progress.refused = 1;
  EXPECT_EQ(FailureOf(exchange, kNow).code(), StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace dotcache
