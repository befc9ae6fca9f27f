// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/scenarios/scenario_parser.h"
#include "tests/scenarios/scenario_runner.h"

namespace dotcache {
namespace {

const std::filesystem::path& Folder() {
  static const std::filesystem::path folder =
      std::filesystem::path(DOTCACHE_SOURCE_DIR) / "tests" / "scenarios";
  return folder;
}

std::vector<std::string> ScenarioNames() {
  std::vector<std::string> names;
  for (const auto& file : std::filesystem::directory_iterator(Folder())) {
    if (file.path().extension() == ".rpl") names.push_back(file.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class ScenarioTest : public testing::TestWithParam<std::string> {};

TEST_P(ScenarioTest, Holds) {
  const std::filesystem::path path = Folder() / (GetParam() + ".rpl");
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  const auto scenario = ParseScenario(text.str());
  ASSERT_TRUE(scenario.ok()) << path.string() << ":" << scenario.status().message();
  const absl::Status status = RunScenario(*scenario);
  EXPECT_TRUE(status.ok()) << path.string() << ":" << status.message();
}

INSTANTIATE_TEST_SUITE_P(Scenarios, ScenarioTest, testing::ValuesIn(ScenarioNames()),
                         [](const auto& param_info) { return param_info.param; });

// The table in cache/README.md names scenarios.
TEST(ScenarioTest, CacheReadmeNamesOnlyExistingScenarios) {
  std::stringstream text;
  text << std::ifstream(std::filesystem::path(DOTCACHE_SOURCE_DIR) / "cache" / "README.md").rdbuf();
  const std::vector<std::string> names = ScenarioNames();
  size_t named = 0;
  const std::vector<std::string> lines = absl::StrSplit(text.str(), '\n');
  for (const std::string& line : lines) {
    if (!absl::StartsWith(line, "| ") || !absl::EndsWith(line, "` |")) continue;
    const std::string last_column = line.substr(line.rfind(" | ", line.size() - 4) + 3);
    const std::vector<std::string> parts = absl::StrSplit(last_column, '`');
    for (size_t i = 1; i < parts.size(); i += 2, ++named) {
      EXPECT_THAT(names, testing::Contains(parts[i])) << line;
    }
  }
  EXPECT_GT(named, 30u);
}

TEST(ScenarioTest, ExampleInTheReadmePasses) {
  std::stringstream text;
  text << std::ifstream(Folder() / "README.md").rdbuf();
  const std::vector<std::string> parts = absl::StrSplit(text.str(), "```");
  ASSERT_GT(parts.size(), 1u);
  const std::string example = parts[1].substr(parts[1].find('\n'));
  const auto scenario = ParseScenario(example);
  ASSERT_TRUE(scenario.ok()) << scenario.status().message();
  EXPECT_EQ(scenario->steps.size(), 9u);
  const absl::Status status = RunScenario(*scenario);
  EXPECT_TRUE(status.ok()) << status.message();
}

// The tests below check that a scenario can fail.

constexpr char kAnswered[] = R"(
upstream: one
CONFIG_END
SCENARIO_BEGIN An answer
STEP 1 QUERY
ENTRY_BEGIN
REPLY RD
SECTION QUESTION
www.example.com. IN A
ENTRY_END
STEP 2 CHECK_OUT_QUERY ADDRESS one
ENTRY_BEGIN
MATCH qname qtype
SECTION QUESTION
www.example.com. IN A
ENTRY_END
STEP 3 REPLY ADDRESS one
ENTRY_BEGIN
REPLY QR RD RA NOERROR
SECTION QUESTION
www.example.com. IN A
SECTION ANSWER
www.example.com. 300 IN A 192.0.2.1
ENTRY_END
STEP 4 CHECK_ANSWER
ENTRY_BEGIN
REPLY QR RD RA NOERROR
MATCH all ttl
SECTION QUESTION
www.example.com. IN A
SECTION ANSWER
www.example.com. 300 IN A 192.0.2.1
ENTRY_END
SCENARIO_END
)";

// Returns the result of kAnswered after its last occurrence of `from` is replaced with `to`.
std::string OutcomeWith(const std::string& from, const std::string& to) {
  std::string text = kAnswered;
  const size_t at = text.rfind(from);
  EXPECT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
  const auto scenario = ParseScenario(text);
  const absl::Status status = scenario.ok() ? RunScenario(*scenario) : scenario.status();
  return status.ok() ? "passes" : std::string(status.message());
}

TEST(ScenarioRunnerTest, ReportsTheDifferenceAndItsLine) {
  EXPECT_EQ(OutcomeWith("192.0.2.1", "192.0.2.1"), "passes");
  EXPECT_THAT(OutcomeWith("192.0.2.1", "192.0.2.2"),
              testing::AllOf(testing::StartsWith("25: step 4"), testing::HasSubstr("answer")));
  EXPECT_THAT(OutcomeWith("300", "299"), testing::HasSubstr("299"));
  EXPECT_THAT(OutcomeWith("NOERROR", "NXDOMAIN"), testing::HasSubstr("rcode"));
  EXPECT_THAT(OutcomeWith("RD RA", "RA"), testing::HasSubstr("flags"));
  EXPECT_THAT(OutcomeWith("IN A\nSECTION", "IN AAAA\nSECTION"), testing::HasSubstr("question"));
  EXPECT_THAT(OutcomeWith("MATCH all ttl", "MATCH ede=22"), testing::HasSubstr("ede"));
  EXPECT_THAT(OutcomeWith("CHECK_ANSWER", "CHECK_ANSWER ADDRESS 127.0.0.9"),
              testing::HasSubstr("went to 127.0.0.1"));
  EXPECT_THAT(OutcomeWith("MATCH qname", "MATCH DO qname"), testing::HasSubstr("no DO"));
}

TEST(ScenarioRunnerTest, UncheckedMessagesAreErrors) {
  const std::string text = kAnswered;
  const size_t last_step = text.find("STEP 4");
  const auto without_last_step = ParseScenario(text.substr(0, last_step) + "SCENARIO_END");
  ASSERT_TRUE(without_last_step.ok());
  EXPECT_THAT(std::string(RunScenario(*without_last_step).message()),
              testing::HasSubstr("a reply was sent"));
  const size_t second_step = text.find("STEP 2");
  const auto one_step = ParseScenario(text.substr(0, second_step) + "SCENARIO_END");
  ASSERT_TRUE(one_step.ok());
  EXPECT_THAT(std::string(RunScenario(*one_step).message()),
              testing::HasSubstr("a query was forwarded"));
}

TEST(ScenarioParserTest, ErrorsNameTheLine) {
  EXPECT_THAT(OutcomeWith("STEP 4", "STEP 3"), testing::HasSubstr("step 3 comes after step 3"));
  EXPECT_THAT(OutcomeWith("STEP 4 CHECK_ANSWER", "STEP 4 GUESS"), testing::StartsWith("25: "));
  EXPECT_THAT(OutcomeWith("192.0.2.1", "192.0.2.256"), testing::StartsWith("32: "));
  EXPECT_THAT(OutcomeWith("NOERROR", "NOTHING"), testing::HasSubstr("NOTHING is neither"));
  EXPECT_THAT(OutcomeWith("all", "most"), testing::HasSubstr("MATCH: most"));
  EXPECT_THAT(OutcomeWith("SCENARIO_END", ""), testing::HasSubstr("too early"));
}

}  // namespace
}  // namespace dotcache
