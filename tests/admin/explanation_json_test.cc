// SPDX-License-Identifier: Apache-2.0
#include "admin/explanation_json.h"

#include <nlohmann/json.hpp>

#include "gtest/gtest.h"

namespace dotcache {
namespace {

TEST(ExplanationJsonTest, TimesAreMillisecondsOrNullIfUnknown) {
  NameExplanation explanation;
  explanation.zone = "corp.example.";
  explanation.policy = "sequential";
  ServerExplanation& server = explanation.servers.emplace_back();
  server.provider = "dns.corp.example";
  server.state = "down";
  server.next_probe_in = Milliseconds(1500);
  server.response_time = std::chrono::microseconds(2250);
  const auto json = nlohmann::json::parse(RenderExplanation(explanation));
  EXPECT_EQ(json["zone"], "corp.example.");
  EXPECT_TRUE(json["hedge_after_ms"].is_null());
  ASSERT_EQ(json["servers"].size(), 1u);
  EXPECT_EQ(json["servers"][0]["next_probe_in_ms"], 1500);
  EXPECT_EQ(json["servers"][0]["response_time_ms"], 2.25);
  EXPECT_TRUE(json["servers"][0]["slow_response_time_ms"].is_null());
}

TEST(ExplanationJsonTest, TextThatIsNotUtf8BecomesValidJson) {
  NameExplanation explanation;
  explanation.zone = "\xff\"<";
  EXPECT_NO_THROW({
    const auto json = nlohmann::json::parse(RenderExplanation(explanation));
    EXPECT_NE(json["zone"].get<std::string>().find("\"<"), std::string::npos);
  });
}

}  // namespace
}  // namespace dotcache
