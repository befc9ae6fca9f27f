// SPDX-License-Identifier: Apache-2.0
#include "admin/status_json.h"

#include <nlohmann/json.hpp>

#include "gtest/gtest.h"
#include "tests/support/message_builder.h"
#include "tests/support/running_server.h"

namespace dotcache {
namespace {

using Json = nlohmann::json;

TEST(StatusJsonTest, CountersAndHealthAreShown) {
  LoopbackDotServer upstream;
  RunningServer server(TestServerOptions({&upstream}));
  ASSERT_TRUE(server.WaitUntilReady());
  for (int i = 0; i < 2; ++i) {
    ASSERT_FALSE(server.Ask(Transport::kUdp, MakeQuery("secret.example", QType::kA)).empty());
  }
  server.Ask(Transport::kUdp, MakeQuery("secret.example", QType::kAxfr));
  const std::string text = RenderStatus(server.server());
  EXPECT_EQ(text.find("secret"), std::string::npos);
  const Json json = Json::parse(text);
  EXPECT_EQ(json["ready"], true);
  EXPECT_EQ(json["queries"]["udp"], 3);
  EXPECT_EQ(json["cache"]["hits"], 1);
  EXPECT_EQ(json["cache"]["misses"], 1);
  EXPECT_EQ(json["rejections"]["zone_transfer"], 1);
  EXPECT_EQ(json["miss_times"]["counts"].size(), json["miss_times"]["bounds_s"].size() + 1);
  EXPECT_EQ(json["providers"][0]["responses"]["NOERROR"], 1);
  EXPECT_EQ(json["servers"][0]["address"], upstream.endpoint().ToString());
  EXPECT_EQ(json["servers"][0]["up"], true);
  EXPECT_EQ(json["zones"][0]["servers"][0]["state"], "up");
}

}  // namespace
}  // namespace dotcache
