// SPDX-License-Identifier: Apache-2.0
#include "admin/http_message.h"

#include "gtest/gtest.h"

namespace dotcache {
namespace {

TEST(HttpMessageTest, ParameterIsFoundByItsName) {
  const HttpRequest request = {.method = "GET", .path = "/", .parameters = {{"a", ""}, {"b", "1"}}};
  EXPECT_EQ(request.Parameter("a"), "");
  EXPECT_EQ(request.Parameter("b"), "1");
  EXPECT_EQ(request.Parameter("c"), std::nullopt);
}

}  // namespace
}  // namespace dotcache
