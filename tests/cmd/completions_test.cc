// SPDX-License-Identifier: Apache-2.0
#include "cmd/completions.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dotcache {
namespace {

using testing::HasSubstr;

const std::vector<CommandWords> kCommands = {
    {"", "A program", "", {{"--help", "", "Help", {}}}, {"run"}},
    {"run",
     "Run it, it's fast",
     "",
     {{"--file", "FILE", "A file", {}}, {"--mode", "on|off", "A mode", {"on", "off"}}},
     {}}};

TEST(CompletionsTest, BashHasACaseForEachCommandAndValue) {
  const std::string text = BashCompletion(kCommands);
  EXPECT_THAT(text, HasSubstr("    '') words='run --help' ;;\n"));
  EXPECT_THAT(text, HasSubstr("    'run') words='--file --mode' ;;\n"));
  EXPECT_THAT(text, HasSubstr("    --mode) words='on off' ;;\n"));
  EXPECT_THAT(text, HasSubstr("    (--file)\n      mapfile"));
}

TEST(CompletionsTest, ZshDescribesTheChoicesWithQuotesEscaped) {
  EXPECT_THAT(ZshCompletion(kCommands), HasSubstr("'run:Run it, it'\\''s fast'\n"));
  EXPECT_THAT(ZshCompletion(kCommands), HasSubstr("    --mode) compadd -- on off; return ;;\n"));
}

TEST(CompletionsTest, FishHasALineForEachChoice) {
  const std::string text = FishCompletion(kCommands);
  EXPECT_THAT(text, HasSubstr("complete -c dotcache -n '__fish_use_subcommand' -a run -d "));
  EXPECT_THAT(text, HasSubstr("complete -c dotcache -n '__fish_seen_subcommand_from run' -l mode "
                              "-r -a 'on off' -d 'A mode'\n"));
}

}  // namespace
}  // namespace dotcache
