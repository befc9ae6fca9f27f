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
}

TEST(AttemptResultTest, WhatTheServerSaidIsAWordAlsoWhenItIsNonsense) {
  EXPECT_TRUE(IsWord(Response(ResponseKind::kServFail)));
  EXPECT_TRUE(IsWord(UpstreamFailure::kMalformed));
  EXPECT_FALSE(IsWord(UpstreamFailure::kTimeout));
  EXPECT_FALSE(IsWord(UpstreamFailure::kConnectionLost));
}

TEST(AttemptResultTest, EachIsCountedOnceAndByReason) {
  UpstreamCounters counters;
  CountResult(Response(ResponseKind::kAnswer), Milliseconds(5), counters);
  CountResult(Response(ResponseKind::kServFail), Milliseconds(5), counters);
  CountResult(UpstreamFailure::kMalformed, Milliseconds(5), counters);
  CountResult(UpstreamFailure::kTimeout, Milliseconds(5), counters);
  EXPECT_EQ(counters.responses.value(), 1u);
  EXPECT_EQ(counters.failures.value(), 3u);
  EXPECT_EQ(counters.error_responses.value(), 1u);
  EXPECT_EQ(counters.malformed.value(), 1u);
}

}  // namespace
}  // namespace dotcache
