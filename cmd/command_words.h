// SPDX-License-Identifier: Apache-2.0
// The commands and options of the command line, as man pages and completions need them.
#ifndef DOTCACHE_CMD_COMMAND_WORDS_H_
#define DOTCACHE_CMD_COMMAND_WORDS_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace dotcache {

struct OptionWords {
  std::string name;   // "--config", or "NAME" of a positional argument.
  std::string value;  // "FILE  [none]  ($DOTCACHE_CONFIG)". Empty: a flag.
  std::string help;
  std::vector<std::string> words;  // The values, if they are a few words.

  bool is_positional() const { return name.rfind("--", 0) != 0; }
  bool takes_file() const { return value.rfind("FILE", 0) == 0; }
};

struct CommandWords {
  std::string path;  // "ctl lookup". Empty: the program itself.
  std::string help;
  std::string footer;
  std::vector<OptionWords> options;
  std::vector<std::string> commands;  // Names of the commands below it.
};

// The program, then its commands, each before the commands below it. Hidden commands are left out.
std::vector<CommandWords> ReadCommands(const CLI::App& app);

// The words of a value text such as "on|off" or of a help text with the range "(a, b or c)" behind
// "WORD". Empty if values are not words.
std::vector<std::string> WordsOfValue(const std::string& value, const std::string& help);

}  // namespace dotcache

#endif  // DOTCACHE_CMD_COMMAND_WORDS_H_
