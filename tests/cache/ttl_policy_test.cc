// SPDX-License-Identifier: Apache-2.0
#include "cache/ttl_policy.h"

#include <gtest/gtest.h>

#include <optional>

namespace dotcache {
namespace {

ResponseFacts Facts(ResponseKind kind, std::optional<uint32_t> answer_ttl,
                    std::optional<uint32_t> soa_ttl) {
  ResponseFacts facts;
  facts.kind = kind;
  facts.rcode = kind == ResponseKind::kNxDomain ? Rcode::kNxDomain : Rcode::kNoError;
  facts.answer_ttl = answer_ttl;
  facts.soa_ttl = soa_ttl;
  return facts;
}

// The time that the response is fresh, in seconds; nullopt when it is not stored.
std::optional<int64_t> KeptFor(const ResponseFacts& facts, const CacheOptions& options = {}) {
  const CacheDecision decision = Decide(facts, options.ttl_caps);
  if (!decision.store) return std::nullopt;
  return decision.fresh_for.count();
}

TEST(TtlPolicyTest, AnAnswerIsKeptForItsLowestTtl) {
  EXPECT_EQ(KeptFor(Facts(ResponseKind::kAnswer, 300, std::nullopt)), 300);
  EXPECT_EQ(KeptFor(Facts(ResponseKind::kAnswer, 1, std::nullopt)), 1);
}

TEST(TtlPolicyTest, AnAnswerIgnoresAnSoa) {
  EXPECT_EQ(KeptFor(Facts(ResponseKind::kAnswer, 300, 5)), 300);
}

TEST(TtlPolicyTest, ATtlOfZeroIsNotStored) {
  EXPECT_EQ(KeptFor(Facts(ResponseKind::kAnswer, 0, std::nullopt)), std::nullopt);
}

TEST(TtlPolicyTest, AnAnswerWithoutATtlIsNotStored) {
  EXPECT_EQ(KeptFor(Facts(ResponseKind::kAnswer, std::nullopt, std::nullopt)), std::nullopt);
}

TEST(TtlPolicyTest, PositiveDataIsCappedAtADay) {
  EXPECT_EQ(KeptFor(Facts(ResponseKind::kAnswer, 86400, std::nullopt)), 86400);
  EXPECT_EQ(KeptFor(Facts(ResponseKind::kAnswer, 86401, std::nullopt)), 86400);
  EXPECT_EQ(KeptFor(Facts(ResponseKind::kAnswer, 0x7fffffff, std::nullopt)), 86400);
  CacheOptions options;
  options.ttl_caps.positive = Seconds{60};
  EXPECT_EQ(KeptFor(Facts(ResponseKind::kAnswer, 300, std::nullopt), options), 60);
}

TEST(TtlPolicyTest, TheFloorRaisesShortTtls) {
  CacheOptions options;
  options.ttl_caps.floor = Seconds{60};
  EXPECT_EQ(KeptFor(Facts(ResponseKind::kAnswer, 5, std::nullopt), options), 60);
  EXPECT_EQ(KeptFor(Facts(ResponseKind::kAnswer, 61, std::nullopt), options), 61);
}

TEST(TtlPolicyTest, TheFloorDoesNotReviveATtlOfZero) {
  CacheOptions options;
  options.ttl_caps.floor = Seconds{60};
  EXPECT_EQ(KeptFor(Facts(ResponseKind::kAnswer, 0, std::nullopt), options), std::nullopt);
}

TEST(TtlPolicyTest, TheFloorIsForPositiveDataOnly) {
  CacheOptions options;
  options.ttl_caps.floor = Seconds{60};
  EXPECT_EQ(KeptFor(Facts(ResponseKind::kNxDomain, std::nullopt, 5), options), 5);
}

TEST(TtlPolicyTest, TheCapWinsOverTheFloor) {
  CacheOptions options;
  options.ttl_caps.floor = Seconds{60};
  options.ttl_caps.positive = Seconds{30};
  EXPECT_EQ(KeptFor(Facts(ResponseKind::kAnswer, 5, std::nullopt), options), 30);
}

TEST(TtlPolicyTest, ACapOfZeroStoresNothing) {
  CacheOptions options;
  options.ttl_caps = {Seconds{0}, Seconds{0}};
  EXPECT_EQ(KeptFor(Facts(ResponseKind::kAnswer, 300, std::nullopt), options), std::nullopt);
  EXPECT_EQ(KeptFor(Facts(ResponseKind::kNoData, std::nullopt, 300), options), std::nullopt);
}

class NegativeTtlPolicyTest : public ::testing::TestWithParam<ResponseKind> {};

TEST_P(NegativeTtlPolicyTest, IsKeptForTheSoaTtl) {
  EXPECT_EQ(KeptFor(Facts(GetParam(), std::nullopt, 60)), 60);
}

TEST_P(NegativeTtlPolicyTest, IsNotStoredWithoutAnSoa) {
  EXPECT_EQ(KeptFor(Facts(GetParam(), std::nullopt, std::nullopt)), std::nullopt);
  EXPECT_EQ(KeptFor(Facts(GetParam(), 300, std::nullopt)), std::nullopt);
}

TEST_P(NegativeTtlPolicyTest, IsNotStoredWhenTheSoaTtlIsZero) {
  EXPECT_EQ(KeptFor(Facts(GetParam(), std::nullopt, 0)), std::nullopt);
}

TEST_P(NegativeTtlPolicyTest, IsCappedAtAnHour) {
  EXPECT_EQ(KeptFor(Facts(GetParam(), std::nullopt, 3601)), 3600);
  EXPECT_EQ(KeptFor(Facts(GetParam(), std::nullopt, 0x7fffffff)), 3600);
}

TEST_P(NegativeTtlPolicyTest, TheCapOfPositiveDataLimitsItToo) {
  CacheOptions options;
  options.ttl_caps.positive = Seconds{60};
  EXPECT_EQ(KeptFor(Facts(GetParam(), std::nullopt, 3600), options), 60);
}

TEST_P(NegativeTtlPolicyTest, TheTtlOfACnameChainLimitsItToo) {
  EXPECT_EQ(KeptFor(Facts(GetParam(), 20, 60)), 20);
  EXPECT_EQ(KeptFor(Facts(GetParam(), 90, 60)), 60);
  EXPECT_EQ(KeptFor(Facts(GetParam(), 0, 60)), std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(NoDataAndNxDomain, NegativeTtlPolicyTest,
                         ::testing::Values(ResponseKind::kNoData, ResponseKind::kNxDomain));

TEST(TtlPolicyTest, OtherResponsesAreNotStored) {
  for (const ResponseKind kind :
       {ResponseKind::kReferral, ResponseKind::kServFail, ResponseKind::kOtherError}) {
    EXPECT_EQ(KeptFor(Facts(kind, 300, 60)), std::nullopt) << static_cast<int>(kind);
  }
}

TEST(TtlPolicyTest, ATruncatedMessageIsNotStored) {
  for (const ResponseKind kind :
       {ResponseKind::kAnswer, ResponseKind::kNoData, ResponseKind::kNxDomain}) {
    ResponseFacts facts = Facts(kind, 300, 60);
    facts.truncated = true;
    EXPECT_EQ(KeptFor(facts), std::nullopt) << static_cast<int>(kind);
  }
}

TEST(TtlPolicyTest, EachFailureIsKeptTwiceAsLongUpToTheCap) {
  const CacheOptions options;
  EXPECT_EQ(FailureTtl(1, options), Seconds{1});
  EXPECT_EQ(FailureTtl(2, options), Seconds{2});
  EXPECT_EQ(FailureTtl(9, options), Seconds{256});
  EXPECT_EQ(FailureTtl(10, options), Seconds{300});
  EXPECT_EQ(FailureTtl(255, options), Seconds{300});
  CacheOptions bounded;
  bounded.failure_ttl = Seconds{3};
  bounded.failure_max_ttl = Seconds{3};
  EXPECT_EQ(FailureTtl(1, bounded), Seconds{3});
  EXPECT_EQ(FailureTtl(5, bounded), Seconds{3});
}

}  // namespace
}  // namespace dotcache
