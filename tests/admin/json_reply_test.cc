// SPDX-License-Identifier: Apache-2.0
#include "admin/json_reply.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

TEST(JsonReplyTest, TextThatIsNotUtf8BecomesValidJson) {
  const HttpReply reply = ErrorReply("no \xff");
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.content_type, "application/json");
  EXPECT_EQ(reply.body, "{\n  \"error\": \"no \xef\xbf\xbd\"\n}\n");
}

TEST(JsonReplyTest, ErrorHasTheStatusOfItsCode) {
  EXPECT_EQ(ReplyOf(absl::InvalidArgumentError("x")).status, 400);
  EXPECT_EQ(ReplyOf(absl::FailedPreconditionError("x")).status, 409);
  EXPECT_EQ(ReplyOf(absl::UnavailableError("x")).status, 503);
  EXPECT_EQ(ReplyOf(std::string("{}")).status, 200);
  EXPECT_EQ(ReplyOf(std::string("{}")).body, "{}");
}

}  // namespace
}  // namespace dotcache
