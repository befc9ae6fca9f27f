// SPDX-License-Identifier: Apache-2.0
#include "admin/top_paths.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/boot_clock.h"
#include "tests/support/message_builder.h"
#include "tests/support/running_server.h"

namespace dotcache {
namespace {

using testing::HasSubstr;

class TopPathsTest : public testing::Test {
 protected:
  TopPathsTest() : running_(TestServerOptions({&upstream_})) {}

  absl::StatusOr<std::string> Start(std::map<std::string, std::string> parameters) {
    return StartTop(running_.server(), {"POST", "/top", std::move(parameters)});
  }
  absl::StatusOr<std::string> Take(std::map<std::string, std::string> parameters = {}) {
    return TakeTop(running_.server(), {"GET", "/top", std::move(parameters)});
  }

  LoopbackDotServer upstream_;
  RunningServer running_;
};

TEST_F(TopPathsTest, AMeasurementRefusesTheNextAndItsOwnResult) {
  ASSERT_TRUE(Start({{"by", "types"}, {"seconds", "60"}}).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(Start({}).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(Take().status()));
  EXPECT_TRUE(Take({{"end", "1"}}).ok());
  EXPECT_TRUE(Start({}).ok());
}

TEST_F(TopPathsTest, TheResultHasCountsAndShares) {
  TopQueries& top = running_.server().top();
  // It ended a second ago, but its counts are there.
  const MonoTime began = BootTime() - Seconds(3);
  ASSERT_TRUE(top.Start(TopQueries::By::kTypes, Seconds(2), began));
  for (const QType type : {QType::kA, QType::kA, QType::kAaaa}) {
    top.Count(0, {DomainName(), type, QClass::kIn}, Endpoint(), began);
  }
  const auto text = Take({{"limit", "1"}});
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_THAT(*text, HasSubstr("\"queries\": 3,"));
  EXPECT_THAT(*text, HasSubstr("\"percent\": 66.6,"));
  EXPECT_THAT(*text, HasSubstr("\"key\": \"A\""));
}

TEST_F(TopPathsTest, WrongParametersAreErrors) {
  EXPECT_TRUE(absl::IsInvalidArgument(Start({{"by", "colour"}}).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Start({{"seconds", "61"}}).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Take({{"limit", "0"}}).status()));
}

}  // namespace
}  // namespace dotcache
