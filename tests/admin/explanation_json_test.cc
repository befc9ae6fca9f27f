// SPDX-License-Identifier: Apache-2.0
#include "admin/explanation_json.h"

#include <nlohmann/json.hpp>

#include "gtest/gtest.h"

namespace dotcache {
namespace {

const Question kQuestion = {*DomainName::FromText("www.example"), QType::kAaaa, QClass::kIn};
const AnswerPreview kPreview = {"cache", {"It is fresh.", "It is new."}};

TEST(ExplanationJsonTest, TheQuestionAndTheReasonsComeFirst) {
  const auto json =
      nlohmann::ordered_json::parse(RenderExplanation(kQuestion, &kPreview, NameExplanation()));
  EXPECT_EQ(json.dump().rfind(R"({"name":"www.example.","type":"AAAA","answer_from":"cache",)"
                              R"("why":["It is fresh.","It is new."],"zone":)",
                              0),
            0u)
      << json.dump();
}

TEST(ExplanationJsonTest, WithoutAPreviewNothingIsSaidAboutTheCache) {
  const auto json = nlohmann::json::parse(RenderExplanation(kQuestion, nullptr, NameExplanation()));
  EXPECT_FALSE(json.contains("answer_from"));
  EXPECT_FALSE(json.contains("why"));
}

TEST(ExplanationJsonTest, TimesAreMillisecondsOrNullIfUnknown) {
  NameExplanation explanation;
  explanation.zone = "corp.example.";
  explanation.policy = "sequential";
  ServerExplanation& server = explanation.servers.emplace_back();
  server.provider = "dns.corp.example";
  server.state = "down";
  server.next_probe_in = Milliseconds(1500);
  server.last_failure = "tls-timeout";
  server.last_cause = "no answer";
  server.last_failure_ago = Milliseconds(20);
  server.response_time = std::chrono::microseconds(2250);
  explanation.servers.emplace_back();
  const auto json = nlohmann::json::parse(RenderExplanation(kQuestion, nullptr, explanation));
  EXPECT_EQ(json["zone"], "corp.example.");
  EXPECT_TRUE(json["hedge_after_ms"].is_null());
  ASSERT_EQ(json["servers"].size(), 2u);
  EXPECT_EQ(json["servers"][0]["last_failure"], "tls-timeout");
  EXPECT_EQ(json["servers"][0]["last_cause"], "no answer");
  EXPECT_EQ(json["servers"][0]["last_failure_ago_ms"], 20);
  EXPECT_TRUE(json["servers"][1]["last_failure"].is_null());
  EXPECT_TRUE(json["servers"][1]["last_cause"].is_null());
  EXPECT_EQ(json["servers"][0]["next_probe_in_ms"], 1500);
  EXPECT_EQ(json["servers"][0]["response_time_ms"], 2.25);
  EXPECT_TRUE(json["servers"][0]["slow_response_time_ms"].is_null());
}

TEST(ExplanationJsonTest, TextThatIsNotUtf8BecomesValidJson) {
  NameExplanation explanation;
  explanation.zone = "\xff\"<";
  EXPECT_NO_THROW({
    const auto json = nlohmann::json::parse(RenderExplanation(kQuestion, nullptr, explanation));
    EXPECT_NE(json["zone"].get<std::string>().find("\"<"), std::string::npos);
  });
}

}  // namespace
}  // namespace dotcache
