// SPDX-License-Identifier: Apache-2.0
#include "cmd/usage_errors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dotcache {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// The errors of a command line for a program with the commands serve and check.
std::vector<std::string> ErrorsOf(const std::vector<std::string>& arguments) {
  CLI::App app("", "dotcache");
  app.require_subcommand(1);
  std::string value;
  for (const char* name : {"serve", "check"}) {
    CLI::App* command = app.add_subcommand(name);
    CLI::Option* listen = command->add_option("--listen", value)->type_size(1);
    listen->multi_option_policy(CLI::MultiOptionPolicy::Throw);
  }
  CLI::App* probe = app.add_subcommand("probe");
  probe->add_option("ADDRESS", value);
  probe->add_flag("--bind");
  // App::parse() wants them in reverse.
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    return UsageErrors(app, arguments, error);
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
              ElementsAre("unknown command zzzzzz; the commands are serve, check, probe"));
}

TEST(UsageErrorsTest, MissingCommandListsTheCommands) {
  EXPECT_THAT(ErrorsOf({}),
              ElementsAre("a command is missing; the commands are serve, check, probe"));
  EXPECT_THAT(ErrorsOf({"--listen"}), ElementsAre(HasSubstr("unknown flag --listen")));
}

TEST(UsageErrorsTest, FlagWithoutValueIsNamed) {
  EXPECT_THAT(ErrorsOf({"serve", "--listen"}), ElementsAre("--listen needs a value"));
}

TEST(UsageErrorsTest, FlagWithoutValueHidesNoOtherError) {
  EXPECT_THAT(
      ErrorsOf({"serve", "--listn", "1", "--listen"}),
      ElementsAre("unknown flag --listn; did you mean --listen?", "--listen needs a value"));
  EXPECT_THAT(
      ErrorsOf({"serve", "--listen", "--lissten=1", "foo"}),
      ElementsAre("--listen needs a value", "unknown flag --lissten; did you mean --listen?",
                  "unexpected argument foo"));
}

TEST(UsageErrorsTest, FlagThatIsGivenTwiceIsNamed) {
  EXPECT_THAT(ErrorsOf({"serve", "--listen", "1", "--listen=2"}),
              ElementsAre("--listen is given more than once"));
}

TEST(UsageErrorsTest, ArgumentsOfACommandAreNotUnexpected) {
  EXPECT_THAT(ErrorsOf({"probe", "--bind", "127.0.0.1", "foo", "--bindd"}),
              ElementsAre("unexpected argument foo", "unknown flag --bindd; did you mean --bind?"));
  EXPECT_THAT(ErrorsOf({"probe", "--", "--bind", "bar"}), ElementsAre("unexpected argument bar"));
}

}  // namespace
}  // namespace dotcache
