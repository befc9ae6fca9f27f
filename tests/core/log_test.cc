// SPDX-License-Identifier: Apache-2.0
#include "core/log.h"

#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dotcache {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

// Runs `body` and returns its output on standard error.
template <typename Body>
std::string Logged(Body body) {
  ::testing::internal::CaptureStderr();
  body();
  return ::testing::internal::GetCapturedStderr();
}

class LogTest : public ::testing::Test {
 protected:
  ~LogTest() override {
    SetLogLevel(LogLevel::kInfo);
    SetLogForm(LogForm::kText);
  }
};

TEST_F(LogTest, LineHasTimeLevelMessageAndFields) {
  const std::string line = Logged([] {
    Log(LogLevel::kInfo, "upstream down", {{"server", "192.0.2.1:853"}, {"attempts", 3}});
  });
  EXPECT_THAT(line, MatchesRegex("[0-9]+-[0-9]+-[0-9]+T[0-9:.]+[-+][0-9:]+ info upstream down "
                                 "server=192.0.2.1:853 attempts=3\n"));
}

TEST_F(LogTest, JournalFormHasAPriorityAndNoTime) {
  SetLogForm(LogForm::kJournal);
  SetLogLevel(LogLevel::kDebug);
  const std::string text = Logged([] {
    Log(LogLevel::kError, "a", {{"b", 1}});
    Log(LogLevel::kWarn, "a");
    Log(LogLevel::kInfo, "a");
    Log(LogLevel::kDebug, "a");
  });
  EXPECT_EQ(text, "<3>a b=1\n<4>a\n<6>a\n<7>a\n");
}

TEST_F(LogTest, JsonFormIsOneObjectALineWithATimeInUtc) {
  SetLogForm(LogForm::kJson);
  const std::string line = Logged([] {
    Log(LogLevel::kWarn, "upstream \"down\"", {{"server", "a b\n"}, {"attempts", 3}});
  });
  EXPECT_THAT(line, MatchesRegex("\\{\"time\":\"[0-9]+-[0-9]+-[0-9]+T[0-9:.]+Z\",.*\n"));
  EXPECT_THAT(line, EndsWith(R"("level":"warn","message":"upstream \"down\"","fields":{)"
                             R"("server":"a b\u000a","attempts":3}})"
                             "\n"));
  EXPECT_THAT(Logged([] { Log(LogLevel::kInfo, "ready"); }),
              EndsWith("Z\",\"level\":\"info\",\"message\":\"ready\"}\n"));
}

TEST_F(LogTest, SpecialCharactersInValuesAreQuotedAndEscaped) {
  const std::string line = Logged([] {
    Log(LogLevel::kError, "x",
        {{"a", "two words"}, {"b", ""}, {"c", "q\"q"}, {"d", "e\n\x1b[0m"}, {"e", "k=v"}});
  });
  EXPECT_THAT(line, EndsWith("a=\"two words\" b=\"\" c=\"q\\\"q\" d=e\\n\\033[0m e=\"k=v\"\n"));
}

TEST_F(LogTest, LinesBelowTheLevelAreDropped) {
  EXPECT_EQ(Logged([] { Log(LogLevel::kDebug, "hidden"); }), "");
  SetLogLevel(LogLevel::kError);
  const std::string text = Logged([] {
    Log(LogLevel::kWarn, "hidden");
    Log(LogLevel::kError, "shown");
  });
  EXPECT_THAT(text, HasSubstr("shown"));
  EXPECT_THAT(text, Not(HasSubstr("hidden")));
  SetLogLevel(LogLevel::kDebug);
  EXPECT_THAT(Logged([] { Log(LogLevel::kDebug, "seen"); }), HasSubstr("debug seen"));
}

TEST_F(LogTest, BracesInAMessageArePlainText) {
  EXPECT_THAT(Logged([] { Log(LogLevel::kInfo, "{} {0}"); }), HasSubstr("{} {0}"));
}

TEST(LogLevelTest, EveryLevelHasAName) {
  using Level = LogLevel;
  for (const auto& [level, name] : {std::pair(Level::kError, "error"),
                                    {Level::kWarn, "warn"},
                                    {Level::kInfo, "info"},
                                    {Level::kDebug, "debug"}}) {
    EXPECT_EQ(LogLevelName(level), name);
  }
}

}  // namespace
}  // namespace dotcache
