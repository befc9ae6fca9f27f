// SPDX-License-Identifier: Apache-2.0
#include "answer/extended_errors.h"

#include "dns/message_header.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dotcache {
namespace {

CacheEntryRef Entry(ResponseKind kind, ExtendedErrorCode code = ExtendedErrorCode::kOther) {
  StoredMessage message;
  message.wire.assign(kHeaderSize, 0);
  return MakeCacheEntry(message, {.kind = kind, .extended_error = code}, MonoTime{}, Seconds{1});
}

TEST(ExtendedErrorsTest, FailedExchangeHasAnErrorCodeForItsCause) {
  EXPECT_EQ(ErrorFor(ExchangeFailure::kUnreachable).own.code,
            ExtendedErrorCode::kNoReachableAuthority);
  EXPECT_EQ(ErrorFor(ExchangeFailure::kTimeout).own.code, ExtendedErrorCode::kNetworkError);
  EXPECT_EQ(ErrorFor(ExchangeFailure::kMalformed).own.code, ExtendedErrorCode::kInvalidData);
  EXPECT_EQ(ErrorFor(ExchangeFailure::kLimit).own.code, ExtendedErrorCode::kOther);
  EXPECT_EQ(ErrorFor(ExchangeFailure::kLoop).own.code, ExtendedErrorCode::kOther);
}

TEST(ExtendedErrorsTest, ResponsesThatCannotBeUsedAreDescribed) {
  const ExtendedError error = ErrorFor(ExchangeFailure::kReferral).own;
  EXPECT_EQ(error.code, ExtendedErrorCode::kInvalidData);
  EXPECT_NE(error.text.find("a referral"), std::string::npos);
}

TEST(ExtendedErrorsTest, RefusalNamesTheRcodeOfTheUpstreamServers) {
  ResponseFacts facts;
  facts.rcode = Rcode::kRefused;
  EXPECT_EQ(ErrorForRefusal(facts, QType::kA).own.code, ExtendedErrorCode::kNoReachableAuthority);
  EXPECT_EQ(ErrorForRefusal(facts, QType::kA).own.text, "upstream servers answered REFUSED");
  EXPECT_FALSE(ErrorForRefusal(facts, QType::kA).upstream.has_value());
  facts.extended_error = ExtendedError{ExtendedErrorCode::kProhibited, "not you"};
  EXPECT_EQ(ErrorForRefusal(facts, QType::kA).upstream, facts.extended_error);
}

TEST(ExtendedErrorsTest, StaleNxDomainHasItsOwnCode) {
  EXPECT_EQ(StaleError(*Entry(ResponseKind::kAnswer)).code, ExtendedErrorCode::kStaleAnswer);
  EXPECT_EQ(StaleError(*Entry(ResponseKind::kNoData)).code, ExtendedErrorCode::kStaleAnswer);
  EXPECT_EQ(StaleError(*Entry(ResponseKind::kNxDomain)).code,
            ExtendedErrorCode::kStaleNxDomainAnswer);
}

TEST(ExtendedErrorsTest, CachedFailureNamesTheOriginalError) {
  const auto text = [](ExtendedErrorCode code) {
    const ExtendedError error = RememberedError(*Entry(ResponseKind::kServFail, code)).own;
    EXPECT_EQ(error.code, ExtendedErrorCode::kCachedError);
    return error.text;
  };
  EXPECT_EQ(text(ExtendedErrorCode::kNoReachableAuthority),
            "cached failure: No Reachable Authority");
  EXPECT_EQ(text(ExtendedErrorCode::kNetworkError), "cached failure: Network Error");
  EXPECT_EQ(text(ExtendedErrorCode::kInvalidData), "cached failure: Invalid Data");
  EXPECT_EQ(text(static_cast<ExtendedErrorCode>(9)), "cached failure: extended error 9");
}

TEST(ExtendedErrorsTest, CauseOfAFailureIsKeptInWords) {
  EXPECT_EQ(FailureCauseText(CauseOf(ExchangeFailure::kTimeout)),
            "no upstream server answered in time");
  EXPECT_EQ(FailureCauseText(CauseOf(ExchangeFailure::kNone)), "");
  ResponseFacts facts;
  facts.rcode = Rcode::kRefused;
  EXPECT_EQ(FailureCauseText(ErrorForRefusal(facts, QType::kA).cause),
            "upstream servers answered REFUSED");
}

}  // namespace
}  // namespace dotcache
