// SPDX-License-Identifier: Apache-2.0
#include "upstream/api/upstream_failure.h"

#include <set>
#include <string>

#include "gtest/gtest.h"

namespace dotcache {
namespace {

TEST(UpstreamFailureTest, EveryFailureHasANameOfItsOwnAndAPhase) {
  std::set<std::string> names;
  const std::set<std::string> phases = {"connect", "tls", "exchange", "response"};
  for (int i = 0; i < kUpstreamFailureCount; ++i) {
    const UpstreamFailure failure = static_cast<UpstreamFailure>(i);
    names.insert(std::string(UpstreamFailureName(failure)));
    EXPECT_EQ(phases.count(std::string(UpstreamFailurePhase(failure))), 1u) << i;
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(kUpstreamFailureCount));
  EXPECT_EQ(names.count("unknown"), 0u);
}

TEST(UpstreamFailureTest, WhatAServerAnswersIsNoTransportFailure) {
  for (const UpstreamFailure failure :
       {UpstreamFailure::kMalformed, UpstreamFailure::kNotAnAnswer, UpstreamFailure::kTruncated,
        UpstreamFailure::kServFail, UpstreamFailure::kOverloaded}) {
    EXPECT_FALSE(IsTransportFailure(failure)) << UpstreamFailureName(failure);
  }
  for (const UpstreamFailure failure :
       {UpstreamFailure::kConnectRefused, UpstreamFailure::kCertificate,
        UpstreamFailure::kConnectionLost, UpstreamFailure::kTimeout}) {
    EXPECT_TRUE(IsTransportFailure(failure)) << UpstreamFailureName(failure);
  }
}

}  // namespace
}  // namespace dotcache
