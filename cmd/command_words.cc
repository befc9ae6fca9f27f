// SPDX-License-Identifier: Apache-2.0
#include "cmd/command_words.h"

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace dotcache {
namespace {

bool IsWord(absl::string_view text) {
  return !text.empty() && absl::c_all_of(text, [](char c) {
    return absl::ascii_islower(static_cast<unsigned char>(c)) ||
           absl::ascii_isdigit(static_cast<unsigned char>(c)) || c == '-';
  });
}

OptionWords ReadOption(const CLI::Option& option) {
  OptionWords words;
  words.name = option.get_lnames().empty() ? option.get_name(true)
                                           : absl::StrCat("--", option.get_lnames().front());
  words.help = option.get_description();
  words.value = option.get_option_text();
  if (words.value.empty() && !words.is_positional() && option.get_items_expected_max() > 0) {
    words.value = "VALUE";
  }
  words.words = WordsOfValue(words.value, words.help);
  return words;
}

void Append(const CLI::App& app, const std::string& path, std::vector<CommandWords>& commands) {
  CommandWords words{path, app.get_description(), app.get_footer(), {}, {}};
  for (const CLI::Option* option : app.get_options()) words.options.push_back(ReadOption(*option));
  const auto below = app.get_subcommands(
      [](const CLI::App* each) { return !each->get_name().empty() && !each->get_group().empty(); });
  for (const CLI::App* each : below) words.commands.push_back(each->get_name());
  commands.push_back(std::move(words));
  for (const CLI::App* each : below) {
    Append(*each, path.empty() ? each->get_name() : absl::StrCat(path, " ", each->get_name()),
           commands);
  }
}

}  // namespace

std::vector<std::string> WordsOfValue(const std::string& value, const std::string& help) {
  std::string text = value.substr(0, value.find("  ["));
  if (text == "WORD") {
    const size_t open = help.rfind('(');
    if (open == std::string::npos || help.back() != ')') return {};
    text = absl::StrReplaceAll(help.substr(open + 1, help.size() - open - 2),
                               {{", ", "|"}, {" or ", "|"}});
  } else if (!absl::StrContains(text, '|')) {
    return {};
  }
  std::vector<std::string> words;
  for (const absl::string_view word : absl::StrSplit(text, '|')) {
    if (IsWord(word)) words.emplace_back(word);
  }
  return words;
}

std::vector<CommandWords> ReadCommands(const CLI::App& app) {
  std::vector<CommandWords> commands;
  Append(app, "", commands);
  return commands;
}

}  // namespace dotcache
