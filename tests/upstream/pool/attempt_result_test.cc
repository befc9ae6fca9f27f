// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/attempt_result.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

AttemptResult Response(ResponseKind kind) {
  UpstreamResponse response;
  response.facts.kind = kind;
  return response;
}

TEST(AttemptResultTest, AnswersAndDenialsAreUsableErrorsAreNot) {
  for (const ResponseKind kind :
       {ResponseKind::kAnswer, ResponseKind::kNoData, ResponseKind::kNxDomain}) {
    EXPECT_TRUE(IsUsable(Response(kind)));
  }
  EXPECT_FALSE(IsUsable(Response(ResponseKind::kServFail)));
  EXPECT_FALSE(IsUsable(Response(ResponseKind::kOtherError)));
  EXPECT_FALSE(IsUsable(UpstreamFailure::kTimeout));
  // RFC 6672 section 2.2: the name that a DNAME makes is too long.
  UpstreamResponse too_long;
  too_long.facts.kind = ResponseKind::kOtherError;
  too_long.facts.rcode = Rcode::kYxDomain;
  EXPECT_TRUE(IsUsable(too_long));
}

// RFC 2308 section 2: a denial has an SOA.
TEST(AttemptResultTest, ADenialWithoutSoaIsDoubtful) {
  ResponseFacts facts;
  for (const ResponseKind kind : {ResponseKind::kNoData, ResponseKind::kNxDomain}) {
    facts.kind = kind;
    facts.soa_ttl = std::nullopt;
    EXPECT_TRUE(IsDoubtful(facts));
    facts.soa_ttl = 0;
    EXPECT_FALSE(IsDoubtful(facts));
  }
  facts.kind = ResponseKind::kAnswer;
  facts.soa_ttl = std::nullopt;
  EXPECT_FALSE(IsDoubtful(facts));
}

TEST(AttemptResultTest, OfTwoResponsesTheDenialAndThenTheErrorIsTheResult) {
  ResponseFacts denial;
  denial.kind = ResponseKind::kNoData;
  denial.rcode = Rcode::kNoError;
  ResponseFacts refusal;
  refusal.kind = ResponseKind::kOtherError;
  refusal.rcode = Rcode::kRefused;
  EXPECT_GT(RankOf(denial), RankOf(ResponseFacts()));  // SERVFAIL.
  EXPECT_GT(RankOf(ResponseFacts()), RankOf(refusal));
}

TEST(AttemptResultTest, AMalformedMessageIsFromTheServerAndATimeoutIsNot) {
  EXPECT_TRUE(IsFromServer(Response(ResponseKind::kServFail)));
  EXPECT_TRUE(IsFromServer(UpstreamFailure::kMalformed));
  EXPECT_FALSE(IsFromServer(UpstreamFailure::kTimeout));
  EXPECT_FALSE(IsFromServer(UpstreamFailure::kConnectionLost));
  EXPECT_TRUE(IsUseless(UpstreamFailure::kMalformed));
  EXPECT_TRUE(IsUseless(UpstreamFailure::kTruncated));
  EXPECT_FALSE(IsUseless(UpstreamFailure::kServFail));
}

TEST(AttemptResultTest, AuthenticDataIsClearedAndNothingElse) {
  UpstreamResponse response;
  response.wire = {0x12, 0x34, 0x81, 0xb3, 0, 1, 0, 2, 0, 3, 0, 4};
  AttemptResult result = response;
  ClearAuthenticData(result);
  EXPECT_EQ(std::get<UpstreamResponse>(result).wire,
            (WireMessage{0x12, 0x34, 0x81, 0x93, 0, 1, 0, 2, 0, 3, 0, 4}));
  result = UpstreamFailure::kTimeout;
  ClearAuthenticData(result);
  EXPECT_EQ(std::get<UpstreamFailure>(result), UpstreamFailure::kTimeout);
}

TEST(AttemptResultTest, EachIsCountedOnceAndByReason) {
  UpstreamCounters counters;
  CountResult(Response(ResponseKind::kAnswer), counters);
  CountResult(Response(ResponseKind::kServFail), counters);
  CountResult(UpstreamFailure::kMalformed, counters);
  CountResult(UpstreamFailure::kTimeout, counters);
  EXPECT_EQ(counters.responses.value(), 1u);
  EXPECT_EQ(counters.failures.value(), 3u);
  EXPECT_EQ(counters.error_responses.value(), 1u);
  EXPECT_EQ(counters.malformed.value(), 1u);
}

}  // namespace
}  // namespace dotcache
