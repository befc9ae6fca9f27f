// SPDX-License-Identifier: Apache-2.0
#include "cmd/usage_errors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dotcache {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// The errors of a command line for a program with the commands serve and check.
std::vector<std::string> ErrorsOf(std::vector<std::string> arguments) {
  CLI::App app("", "dotcache");
  app.require_subcommand(1);
  std::string value;
  app.add_subcommand("serve")->add_option("--listen", value)->type_size(1);
  app.add_subcommand("check")->add_option("--listen", value)->type_size(1);
  std::reverse(arguments.begin(), arguments.end());  // As App::parse() wants them.
  try {
    app.parse(arguments);
  } catch (const CLI::ParseError& error) {
    return UsageErrors(app, error);
  }
  return {};
}

TEST(UsageErrorsTest, UnknownArgumentsAreListedInOrderWithTheNearestFlag) {
  EXPECT_THAT(ErrorsOf({"check", "--listn", "1", "foo", "--zzzzzzzz=2", "bar"}),
              ElementsAre("unknown flag --listn; did you mean --listen?", "unexpected argument foo",
                          "unknown flag --zzzzzzzz; `dotcache check --help` lists the flags",
                          "unexpected argument bar"));
}

TEST(UsageErrorsTest, SettingOfTheFileIsNamedAsSuch) {
  EXPECT_THAT(ErrorsOf({"serve", "--cache-min-ttl", "5s"}),
              ElementsAre("--cache-min-ttl is not a flag: `cache-min-ttl` can be set in the YAML "
                          "file only (--config FILE)"));
}

TEST(UsageErrorsTest, UnknownCommandGetsTheNearestOne) {
  EXPECT_THAT(ErrorsOf({"chek"}), ElementsAre("unknown command chek; did you mean check?"));
  EXPECT_THAT(ErrorsOf({"zzzzzz"}),
              ElementsAre("unknown command zzzzzz; the commands are serve, check"));
}

TEST(UsageErrorsTest, MissingCommandListsTheCommands) {
  EXPECT_THAT(ErrorsOf({}), ElementsAre("a command is missing; the commands are serve, check"));
  EXPECT_THAT(ErrorsOf({"--listen"}), ElementsAre(HasSubstr("unknown flag --listen")));
}

TEST(UsageErrorsTest, FlagWithoutValueIsNamed) {
  EXPECT_THAT(ErrorsOf({"serve", "--listen"}), ElementsAre("--listen needs a value"));
}

}  // namespace
}  // namespace dotcache
