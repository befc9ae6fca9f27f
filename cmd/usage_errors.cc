// SPDX-License-Identifier: Apache-2.0
#include "cmd/usage_errors.h"

#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "cmd/did_you_mean.h"
#include "cmd/settings.h"

namespace dotcache {
namespace {

// "dotcache ctl flush".
std::string FullName(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  return parent == nullptr ? command.get_name()
                           : absl::StrCat(FullName(*parent), " ", command.get_name());
}

std::vector<const CLI::App*> CommandsOf(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

const CLI::App* FindCommand(const CLI::App& app, const std::string& word) {
  for (const CLI::App* command : CommandsOf(app)) {
    if (command->get_name() == word) return command;
  }
  return nullptr;
}

std::vector<std::string> CommandNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : CommandsOf(app)) names.push_back(command->get_name());
  return names;
}

std::string NearestOf(const std::string& word, const std::vector<std::string>& known) {
  const std::vector<absl::string_view> views(known.begin(), known.end());
  return NearestWord(word, views);
}

std::string MissingCommand(const CLI::App& command) {
  return absl::StrCat("a command is missing; the commands are ",
                      absl::StrJoin(CommandNames(command), ", "));
}

std::string UnknownCommand(const CLI::App& command, const std::string& word) {
  const std::vector<std::string> commands = CommandNames(command);
  const std::string nearest = NearestOf(word, commands);
  return nearest.empty() ? absl::StrCat("unknown command ", word, "; the commands are ",
                                        absl::StrJoin(commands, ", "))
                         : absl::StrCat("unknown command ", word, "; did you mean ", nearest, "?");
}

bool IsFlag(absl::string_view argument) {
  return argument.size() > 1 && absl::StartsWith(argument, "-");
}

// Goes through a command line as CLI::App::parse() does, which stops at the first error.
class WrongArguments {
 public:
  WrongArguments(const CLI::App& app, const std::vector<std::string>& arguments)
      : command_(&app), arguments_(arguments) {}

  std::vector<std::string> Find() {
    while (next_ < arguments_.size()) {
      const std::string& argument = arguments_[next_++];
      if (argument == "--") {
        only_words_ = true;
      } else if (IsFlag(argument) && !only_words_) {
        ReadFlag(argument);
      } else if (!ReadWord(argument)) {
        return lines_;  // The flags of an unknown command are unknown too.
      }
    }
    if (lines_.empty() && !CommandsOf(*command_).empty())
      lines_.push_back(MissingCommand(*command_));
    return lines_;
  }

 private:
  // False: the word is an unknown command.
  bool ReadWord(const std::string& word) {
    if (CommandsOf(*command_).empty()) {
      if (++words_ > MostWords()) lines_.push_back(absl::StrCat("unexpected argument ", word));
      return true;
    }
    const CLI::App* command = FindCommand(*command_, word);
    if (command == nullptr) {
      lines_.push_back(UnknownCommand(*command_, word));
    } else {
      command_ = command;
    }
    return command != nullptr;
  }

  void ReadFlag(const std::string& argument) {
    const size_t equals = argument.find('=');
    const std::string name = argument.substr(0, equals);
    const CLI::Option* option = FindOption(name);
    const bool takes_value = option == nullptr || option->get_items_expected_min() > 0;
    const bool value_follows = equals == std::string::npos && takes_value && ValueFollows();
    if (value_follows) ++next_;
    if (option == nullptr) {
      lines_.push_back(UnknownFlag(name));
    } else if (takes_value && equals == std::string::npos && !value_follows) {
      lines_.push_back(absl::StrCat(name, " needs a value"));
    } else if (!seen_.insert(option).second && takes_value &&
               option->get_multi_option_policy() == CLI::MultiOptionPolicy::Throw) {
      lines_.push_back(absl::StrCat(name, " is given more than once"));
    }
  }

  bool ValueFollows() const {
    if (next_ >= arguments_.size() || IsFlag(arguments_[next_])) return false;
    return FindCommand(*command_, arguments_[next_]) == nullptr;
  }

  // A flag of the command or of a command above it.
  const CLI::Option* FindOption(const std::string& name) const {
    for (const CLI::App* app = command_; app != nullptr; app = app->get_parent()) {
      if (const CLI::Option* option = app->get_option_no_throw(name)) return option;
      if (!app->get_fallthrough()) break;
    }
    return nullptr;
  }

  std::string UnknownFlag(const std::string& flag) const {
    const Setting* setting = FindSetting(absl::StripPrefix(flag, "--"));
    if (setting != nullptr && setting->yaml_only) {
      return absl::StrCat(flag, " is not a flag: `", setting->key,
                          "` can be set in the YAML file only (--config FILE)");
    }
    std::vector<std::string> known;
    for (const CLI::Option* option : command_->get_options()) {
      for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
    }
    const std::string nearest = NearestOf(flag, known);
    return nearest.empty() ? absl::StrCat("unknown flag ", flag, "; `", FullName(*command_),
                                          " --help` lists the flags")
                           : absl::StrCat("unknown flag ", flag, "; did you mean ", nearest, "?");
  }

  int MostWords() const {
    int most = 0;
    for (const CLI::Option* option : command_->get_options()) {
      if (option->get_positional()) most += option->get_items_expected_max();
    }
    return most;
  }

  const CLI::App* command_;  // Not owned.
  const std::vector<std::string>& arguments_;
  size_t next_ = 0;          // Index of the next argument.
  int words_ = 0;            // Arguments of the command that are no flags.
  bool only_words_ = false;  // After "--".
  std::set<const CLI::Option*> seen_;
  std::vector<std::string> lines_;
};

}  // namespace

std::vector<std::string> UsageErrors(const CLI::App& app, const std::vector<std::string>& arguments,
                                     const CLI::ParseError& error) {
  const std::vector<std::string> lines = WrongArguments(app, arguments).Find();
  return lines.empty() ? std::vector<std::string>{error.what()} : lines;
}

}  // namespace dotcache
