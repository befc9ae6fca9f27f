// SPDX-License-Identifier: Apache-2.0
#include "cmd/command_words.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dotcache {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(CommandWordsTest, ValuesAreWordsOfTheTextOrOfTheRange) {
  EXPECT_THAT(WordsOfValue("on|off  [off]  ($X)", ""), ElementsAre("on", "off"));
  EXPECT_THAT(WordsOfValue("WORD  [a]", "Order (a, b-c or d)"), ElementsAre("a", "b-c", "d"));
  EXPECT_THAT(WordsOfValue("ADDR:PORT|off  [none]", ""), ElementsAre("off"));
  EXPECT_THAT(WordsOfValue("FILE  [none]", "File (PEM)"), IsEmpty());
  EXPECT_THAT(WordsOfValue("WORD", "No range"), IsEmpty());
}

TEST(CommandWordsTest, CommandsAreInOrderAndHiddenOnesAreLeftOut) {
  CLI::App app("program", "p");
  std::string text;
  CLI::App* first = app.add_subcommand("first", "The first");
  first->add_subcommand("below", "Below the first")->add_option("NAME", text, "A name");
  app.add_subcommand("hidden", "Hidden")->group("");
  app.add_subcommand("second", "The second")->add_option("--file", text)->option_text("FILE  [x]");
  const std::vector<CommandWords> commands = ReadCommands(app);
  ASSERT_EQ(commands.size(), 4u);
  EXPECT_THAT(commands[0].commands, ElementsAre("first", "second"));
  EXPECT_EQ(commands[1].path, "first");
  EXPECT_EQ(commands[2].path, "first below");
  EXPECT_TRUE(commands[2].options.back().is_positional());
  EXPECT_EQ(commands[3].options.back().name, "--file");
  EXPECT_TRUE(commands[3].options.back().takes_file());
}

}  // namespace
}  // namespace dotcache
