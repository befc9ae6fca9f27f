// SPDX-License-Identifier: Apache-2.0
#include "upstream/exchange/exchange_end.h"

#include <utility>

#include "gtest/gtest.h"

namespace dotcache {
namespace {

constexpr MonoTime kNow{Seconds(100)};

ExchangeRecord WithAttempt() {
  ExchangeRecord exchange;
  exchange.progress.deadline = kNow + Seconds(1);
  exchange.progress.only_overloaded = false;
  exchange.progress.attempts.push_back({});
  exchange.attempts.push_back({});
  exchange.attempts.back().place.connection = 1;
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
  EXPECT_EQ(EndOf(exchange, kNow).failure(), ExchangeFailure::kTimeout);
}

TEST(ExchangeEndTest, AQueryThatWasNeverSentIsNoEvidenceAboutItsName) {
  ExchangeRecord exchange = WithAttempt();
  exchange.attempts[0].place.connection = 0;
  EXPECT_EQ(EndOf(exchange, kNow).failure(), ExchangeFailure::kLimit);
  exchange.progress.left = true;
  EXPECT_EQ(EndOf(exchange, kNow).failure(), ExchangeFailure::kTimeout);
  // A connection that was never ready is the fault of the server.
  exchange.progress.left = false;
  exchange.progress.attempts.push_back({});
  exchange.attempts.push_back({});
  exchange.attempts.back().place.connection = 2;
  EXPECT_EQ(EndOf(exchange, kNow).failure(), ExchangeFailure::kTimeout);
}

TEST(ExchangeEndTest, AMalformedResponseIsReportedUnlessItIsTooLate) {
  ExchangeRecord exchange = WithAttempt();
  exchange.progress.saw_useless = true;
  EXPECT_EQ(EndOf(exchange, kNow).failure(), ExchangeFailure::kMalformed);
  EXPECT_EQ(EndOf(exchange, kNow + Seconds(1)).failure(), ExchangeFailure::kTimeout);
}

TEST(ExchangeEndTest, TheFailureNamesTheResponsesThatCame) {
  ExchangeRecord exchange = WithAttempt();
  exchange.progress.saw_useless = true;
  exchange.useless = UpstreamFailure::kNotAnAnswer;
  EXPECT_EQ(FailureOf(exchange, kNow), ExchangeFailure::kReferral);
  exchange.useless = UpstreamFailure::kTruncated;
  EXPECT_EQ(FailureOf(exchange, kNow), ExchangeFailure::kTruncated);
}

TEST(ExchangeEndTest, AnErrorThatCannotBeRelayedIsReported) {
  ExchangeRecord exchange = WithAttempt();
  exchange.progress.has_error = true;
  EXPECT_EQ(FailureOf(exchange, kNow), ExchangeFailure::kErrors);
}

TEST(ExchangeEndTest, FullConnectionsAreALimit) {
  ExchangeRecord exchange = WithAttempt();
  exchange.progress.only_overloaded = true;
  exchange.progress.refused = 1;
  EXPECT_EQ(FailureOf(exchange, kNow), ExchangeFailure::kLimit);
}

}  // namespace
}  // namespace dotcache
