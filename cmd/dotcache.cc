// SPDX-License-Identifier: Apache-2.0
// The command line: dotcache serve, check, ctl, probe, version.

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cmd/command_words.h"
#include "cmd/completions.h"
#include "cmd/ctl.h"
#include "cmd/man_pages.h"
#include "cmd/probe.h"
#include "cmd/serve.h"
#include "cmd/settings.h"
#include "cmd/usage_errors.h"

namespace dotcache {
namespace {

constexpr int kExitUsage = 2;
constexpr size_t kHelpColumn = 40;

std::optional<std::string> Environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

// The values on the command line, by key.
struct Flags {
  std::string config_file;
  bool bind = false;  // Of check.
  std::map<std::string, std::vector<std::string>> values;
};

std::string HelpOf(const Setting& setting) {
  return setting.range.empty() ? setting.help
                               : absl::StrCat(setting.help, " (", setting.range, ")");
}

// Adds --config and all settings that have a flag.
void AddSettings(CLI::App& command, Flags& flags) {
  command.add_option("--config", flags.config_file, "YAML file with settings")
      ->option_text("FILE  [none]  ($DOTCACHE_CONFIG)");
  for (const Setting& setting : Settings()) {
    if (setting.yaml_only) continue;
    CLI::Option* option = command.add_option(absl::StrCat("--", setting.key),
                                             flags.values[setting.key], HelpOf(setting));
    // A flag takes one value, so that a stray argument is an error. Flags of lists may be repeated.
    option->type_size(1)->allow_extra_args(false);
    option->multi_option_policy(setting.is_list ? CLI::MultiOptionPolicy::TakeAll
                                                : CLI::MultiOptionPolicy::Throw);
    option->option_text(absl::StrCat(setting.value_name, setting.is_list ? " (repeat)" : "", "  [",
                                     setting.default_text, "]  ($", EnvironmentName(setting.key),
                                     ")"));
  }
}

// The settings without a flag, and the precedence of the sources.
std::string Footer() {
  std::string text = "Settings of the YAML file only:\n";
  for (const Setting& setting : Settings()) {
    if (!setting.yaml_only) continue;
    absl::StrAppend(&text, "  ", setting.key, ": ", setting.value_name,
                    setting.is_list ? " (list)" : "", "  [", setting.default_text, "]\n",
                    std::string(kHelpColumn, ' '), HelpOf(setting), "\n");
  }
  return text + "\nThe order of precedence is: flag, environment variable, YAML file, default.";
}

std::vector<std::string> OwnVariables() {
  std::vector<std::string> names;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const absl::string_view text = *variable;
    if (absl::StartsWith(text, "DOTCACHE_")) names.emplace_back(text.substr(0, text.find('=')));
  }
  return names;
}

ConfigSources SourcesOf(const Flags& flags) {
  ConfigSources sources{
      {flags.values.begin(), flags.values.end()}, Environment, flags.config_file, OwnVariables()};
  if (sources.file.empty()) sources.file = Environment("DOTCACHE_CONFIG").value_or("");
  return sources;
}

// Prints a man page or a completion. The build runs this.
int Generate(const CLI::App& app, const std::string& what) {
  const std::vector<CommandWords> commands = ReadCommands(app);
  std::string text;
  if (what == "dotcache.8") text = ProgramManPage(commands, DOTCACHE_VERSION);
  if (what == "dotcache.yaml.5") text = SettingsManPage(Settings(), DOTCACHE_VERSION);
  if (what == "bash") text = BashCompletion(commands);
  if (what == "zsh") text = ZshCompletion(commands);
  if (what == "fish") text = FishCompletion(commands);
  std::fputs(text.c_str(), stdout);
  return text.empty() ? kExitUsage : EXIT_SUCCESS;
}

int Main(int argc, char** argv) {
  CLI::App app("dotcache: a caching DNS forwarder that uses DNS over TLS", "dotcache");
  app.require_subcommand(1);
  app.set_version_flag("--version", absl::StrCat("dotcache ", DOTCACHE_VERSION));
  app.get_formatter()->column_width(kHelpColumn);
  Flags flags;
  CLI::App* serve = app.add_subcommand("serve", "Serve until SIGTERM or SIGINT");
  CLI::App* check = app.add_subcommand(
      "check", "Check the configuration: print the effective settings, or every error");
  const Ctl ctl(app);
  std::string address;
  std::string name;
  CLI::App* probe = app.add_subcommand("probe", "Query a running server: exit status 0 or 1");
  probe->add_option("--config", flags.config_file, "YAML file with settings")
      ->option_text("FILE  [none]  ($DOTCACHE_CONFIG)");
  probe->add_option("ADDRESS", address, "Address of the server")
      ->option_text("[the first UDP listener of the configuration]");
  probe->add_option("NAME", name, "A name that must be answered with NOERROR or NXDOMAIN");
  probe->footer(
      "Without NAME, the query is for localhost, and every reply except SERVFAIL is a success.");
  CLI::App* version = app.add_subcommand("version", "Print the version");
  std::string what;
  CLI::App* generate = app.add_subcommand("generate", "Print a man page or a completion");
  generate->group("");  // Hidden.
  generate->add_option("WHAT", what, "dotcache.8, dotcache.yaml.5, bash, zsh or fish")->required();
  for (CLI::App* command : {serve, check}) {
    AddSettings(*command, flags);
    command->footer(Footer());
  }
  check->add_flag("--bind", flags.bind,
                  "Also bind the addresses of the listeners and of --admin; an error while the "
                  "service runs");
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {  // --help or --version.
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    for (const std::string& line : UsageErrors(app, {argv + 1, argv + argc}, error)) {
      std::fprintf(stderr, "dotcache: %s\n", line.c_str());
    }
    return kExitUsage;
  }
  if (version->parsed()) {
    std::printf("dotcache %s\n", DOTCACHE_VERSION);
    return EXIT_SUCCESS;
  }
  if (generate->parsed()) return Generate(app, what);
  if (probe->parsed()) return RunProbe(SourcesOf(flags), address, name);
  if (ctl.parsed()) return ctl.Run(Environment("DOTCACHE_CONTROL").value_or(kDefaultControlPath));
  return serve->parsed() ? RunServe(SourcesOf(flags)) : RunCheck(SourcesOf(flags), flags.bind);
}

}  // namespace
}  // namespace dotcache

int main(int argc, char** argv) { return dotcache::Main(argc, argv); }
