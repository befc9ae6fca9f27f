// SPDX-License-Identifier: Apache-2.0
#include "cmd/completions.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace dotcache {
namespace {

constexpr char kHead[] =
    "# SPDX-License-Identifier: Apache-2.0\n"
    "# Made by `dotcache generate`.\n";

// In single quotes of a shell.
std::string Quoted(absl::string_view text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "'\\''"}}), "'");
}

// All paths of commands as the patterns of a `case`: each word of the line that continues a path is
// a command.
std::string PathPatterns(const std::vector<CommandWords>& commands) {
  std::vector<std::string> patterns;
  for (const CommandWords& command : commands) {
    for (const std::string& name : command.commands) {
      patterns.push_back(absl::StrCat("'", command.path, " ", name, "'"));
    }
  }
  return absl::StrJoin(patterns, "|");
}

// The options of all commands whose values are files, as the patterns of a `case`.
std::string FilePatterns(const std::vector<CommandWords>& commands) {
  std::set<std::string> names;
  for (const CommandWords& command : commands) {
    for (const OptionWords& option : command.options) {
      if (!option.is_positional() && option.takes_file()) names.insert(option.name);
    }
  }
  return absl::StrJoin(names, "|");
}

// The options of all commands with any other value, which has no completion.
std::string OtherValuePatterns(const std::vector<CommandWords>& commands) {
  std::set<std::string> names;
  for (const CommandWords& command : commands) {
    for (const OptionWords& option : command.options) {
      if (!option.is_positional() && !option.value.empty() && option.words.empty() &&
          !option.takes_file()) {
        names.insert(option.name);
      }
    }
  }
  return names.empty() ? "--no-such-option" : absl::StrJoin(names, "|");
}

// What may follow in a command: commands, options, and words of the positional arguments. A command
// below `ctl` takes the options of `ctl` too.
std::vector<std::pair<std::string, std::string>> ChoicesOf(
    const CommandWords& command, const std::vector<CommandWords>& commands) {
  std::vector<std::pair<std::string, std::string>> choices;
  const auto prefix = command.path.empty() ? "" : command.path + " ";
  for (const std::string& name : command.commands) {
    for (const CommandWords& each : commands) {
      if (each.path == prefix + name) choices.emplace_back(name, each.help);
    }
  }
  const auto add_options = [&](const CommandWords& from) {
    for (const OptionWords& option : from.options) {
      if (!option.is_positional()) choices.emplace_back(option.name, option.help);
    }
  };
  for (const OptionWords& option : command.options) {
    if (!option.is_positional()) continue;
    for (const std::string& word : option.words) choices.emplace_back(word, option.help);
  }
  add_options(command);
  const std::string parent = command.path.substr(0, command.path.find(' '));
  if (parent != command.path) {
    for (const CommandWords& each : commands) {
      if (each.path == parent) add_options(each);
    }
  }
  return choices;
}

// `pattern) body ;;` for each option whose values are words, and the end of the `case`. Other
// values have no completion.
template <typename Body>
std::string ValueCases(const std::vector<CommandWords>& commands, const Body& body) {
  std::set<std::string> lines;
  for (const CommandWords& command : commands) {
    for (const OptionWords& option : command.options) {
      if (option.is_positional() || option.words.empty()) continue;
      lines.insert(absl::StrCat("    ", option.name, ") ", body(option.words), " ;;\n"));
    }
  }
  return absl::StrCat(absl::StrJoin(lines, ""), "    (", OtherValuePatterns(commands),
                      ") return ;;\n  esac\n");
}

// The rest of a loop over the words before the cursor, and the pattern of flags with a file.
std::string PathOfWords(const std::vector<CommandWords>& commands) {
  return absl::StrCat("    case \"$at $word\" in\n      (", PathPatterns(commands),
                      ") at=${at:+$at }$word ;;\n    esac\n  done\n  case $before in\n    (",
                      FilePatterns(commands), ")");
}

}  // namespace

std::string BashCompletion(const std::vector<CommandWords>& commands) {
  std::string text =
      absl::StrCat(kHead,
                   "_dotcache() {\n"
                   "  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
                   "  local at='' word words=''\n"
                   "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n",
                   PathOfWords(commands),
                   "\n"
                   "      mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n      return ;;\n",
                   ValueCases(commands,
                              [](const auto& words) {
                                return absl::StrCat("words=", Quoted(absl::StrJoin(words, " ")));
                              }),
                   "  [[ -n $words ]] || case $at in\n");
  for (const CommandWords& command : commands) {
    std::vector<std::string> names;
    for (const auto& [name, help] : ChoicesOf(command, commands)) names.push_back(name);
    absl::StrAppend(&text, "    ", Quoted(command.path),
                    ") words=", Quoted(absl::StrJoin(names, " ")), " ;;\n");
  }
  return text +
         "  esac\n  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n}\n"
         "complete -F _dotcache dotcache\n";
}

std::string ZshCompletion(const std::vector<CommandWords>& commands) {
  std::string text = absl::StrCat(
      "#compdef dotcache\n", kHead,
      "_dotcache() {\n"
      "  local at='' word before=${words[CURRENT-1]}\n"
      "  local -a choices\n"
      "  for word in ${words[2,CURRENT-1]}; do\n",
      PathOfWords(commands), " _files; return ;;\n",
      ValueCases(commands,
                 [](const auto& words) {
                   return absl::StrCat("compadd -- ", absl::StrJoin(words, " "), "; return");
                 }),
      "  case $at in\n");
  for (const CommandWords& command : commands) {
    absl::StrAppend(&text, "    (", Quoted(command.path), ") choices=(\n");
    for (const auto& [name, help] : ChoicesOf(command, commands)) {
      const std::string escaped = absl::StrReplaceAll(name, {{":", "\\:"}});
      absl::StrAppend(&text, "      ", Quoted(absl::StrCat(escaped, ":", help)), "\n");
    }
    absl::StrAppend(&text, "    ) ;;\n");
  }
  return text + "  esac\n  _describe -V dotcache choices\n}\n_dotcache \"$@\"\n";
}

std::string FishCompletion(const std::vector<CommandWords>& commands) {
  std::string text = absl::StrCat(kHead, "complete -c dotcache -f\n");
  for (const CommandWords& command : commands) {
    std::vector<std::string> conditions;
    for (const absl::string_view word : absl::StrSplit(command.path, ' ', absl::SkipEmpty())) {
      conditions.push_back(absl::StrCat("__fish_seen_subcommand_from ", word));
    }
    const std::string within = absl::StrJoin(conditions, "; and ");
    std::string here = within;
    if (command.path.empty()) {
      here = "__fish_use_subcommand";
    } else if (!command.commands.empty()) {
      absl::StrAppend(&here, "; and not __fish_seen_subcommand_from ",
                      absl::StrJoin(command.commands, " "));
    }
    for (const auto& [name, help] : ChoicesOf(command, commands)) {
      const bool is_option = name.rfind("--", 0) == 0;
      absl::StrAppend(&text, "complete -c dotcache -n ",
                      Quoted(is_option && !within.empty() ? within : here),
                      is_option ? " -l " : " -a ", is_option ? name.substr(2) : name);
      for (const OptionWords& option : command.options) {
        if (option.name != name || option.value.empty()) continue;
        absl::StrAppend(&text, " -r", option.takes_file() ? " -F" : "");
        if (!option.words.empty()) {
          absl::StrAppend(&text, " -a ", Quoted(absl::StrJoin(option.words, " ")));
        }
      }
      absl::StrAppend(&text, " -d ", Quoted(help), "\n");
    }
  }
  return text;
}

}  // namespace dotcache
