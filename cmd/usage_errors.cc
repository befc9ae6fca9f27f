// SPDX-License-Identifier: Apache-2.0
#include "cmd/usage_errors.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "cmd/did_you_mean.h"
#include "cmd/settings.h"

namespace dotcache {
namespace {

// The innermost parsed command, or `app`.
const CLI::App& Parsed(const CLI::App& app) {
  const std::vector<const CLI::App*> commands =
      app.get_subcommands([](const CLI::App* command) { return command->parsed(); });
  return commands.empty() ? app : Parsed(*commands.front());
}

// "dotcache ctl flush".
std::string FullName(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  return parent == nullptr ? command.get_name()
                           : absl::StrCat(FullName(*parent), " ", command.get_name());
}

std::vector<std::string> CommandNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  return names;
}

std::string NearestOf(const std::string& word, const std::vector<std::string>& known) {
  const std::vector<absl::string_view> views(known.begin(), known.end());
  return NearestWord(word, views);
}

std::string UnknownFlag(const CLI::App& command, absl::string_view argument) {
  const std::string flag(argument.substr(0, argument.find('=')));
  const Setting* setting = FindSetting(absl::StripPrefix(flag, "--"));
  if (setting != nullptr && setting->yaml_only) {
    return absl::StrCat(flag, " is not a flag: `", setting->key,
                        "` can be set in the YAML file only (--config FILE)");
  }
  std::vector<std::string> known;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
  }
  const std::string nearest = NearestOf(flag, known);
  if (!nearest.empty()) return absl::StrCat("unknown flag ", flag, "; did you mean ", nearest, "?");
  return absl::StrCat("unknown flag ", flag, "; `", FullName(command), " --help` lists the flags");
}

// The unknown arguments of `app`. A command may have passed them up to its parent.
std::vector<std::string> UnknownArguments(const CLI::App& app, const CLI::App& command) {
  std::vector<std::string> lines;
  bool after_flag = false;
  for (const std::string& argument : app.remaining(/*recurse=*/true)) {
    const bool is_flag = absl::StartsWith(argument, "-") && argument.size() > 1;
    if (is_flag) {
      lines.push_back(UnknownFlag(command, argument));
    } else if (!after_flag) {
      lines.push_back(absl::StrCat("unexpected argument ", argument));
    }
    after_flag = is_flag && !absl::StrContains(argument, "=");
  }
  return lines;
}

std::string MissingCommand(const CLI::App& command, const std::vector<std::string>& rest) {
  const std::vector<std::string> commands = CommandNames(command);
  if (rest.empty() || absl::StartsWith(rest.front(), "-")) {
    return absl::StrCat("a command is missing; the commands are ", absl::StrJoin(commands, ", "));
  }
  const std::string nearest = NearestOf(rest.front(), commands);
  return nearest.empty()
             ? absl::StrCat("unknown command ", rest.front(), "; the commands are ",
                            absl::StrJoin(commands, ", "))
             : absl::StrCat("unknown command ", rest.front(), "; did you mean ", nearest, "?");
}

}  // namespace

std::vector<std::string> UsageErrors(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& command = Parsed(app);
  if (!CommandNames(command).empty()) {
    const std::vector<std::string> rest = app.remaining(/*recurse=*/true);
    const bool is_flag = !rest.empty() && absl::StartsWith(rest.front(), "-");
    return is_flag ? UnknownArguments(app, command) : std::vector{MissingCommand(command, rest)};
  }
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr)
    return UnknownArguments(app, command);
  const std::string text = error.what();
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
    return {absl::StrCat(text.substr(0, text.find(':')), " needs a value")};
  }
  return {text};
}

}  // namespace dotcache
