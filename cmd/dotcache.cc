// SPDX-License-Identifier: Apache-2.0
// The command line: dotcache serve, check, ctl, version.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cmd/serve.h"
#include "cmd/settings.h"

namespace dotcache {
namespace {

constexpr int kExitUsage = 2;

std::optional<std::string> Environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

// What the command line gave for each setting.
struct Flags {
  std::string config_file;
  std::map<std::string, std::vector<std::string>> values;
};

// Adds --config and all settings that have a flag.
void AddSettings(CLI::App& command, Flags& flags) {
  command
      .add_option("--config", flags.config_file, "YAML file with any of these settings and more")
      ->option_text("FILE  [none]  ($DOTCACHE_CONFIG)");
  for (const Setting& setting : Settings()) {
    if (setting.yaml_only) continue;
    CLI::Option* option =
        command.add_option(absl::StrCat("--", setting.key), flags.values[std::string(setting.key)],
                           std::string(setting.help));
    // One value each time, so that a positional mistake is not swallowed; lists repeat the flag.
    option->type_size(1)->allow_extra_args(false);
    option->multi_option_policy(setting.is_list ? CLI::MultiOptionPolicy::TakeAll
                                                : CLI::MultiOptionPolicy::Throw);
    option->option_text(absl::StrCat(setting.value_name, setting.is_list ? " (repeat)" : "", "  [",
                                     setting.default_text, "]  ($", EnvironmentName(setting.key),
                                     ")"));
  }
}

ConfigSources SourcesOf(const Flags& flags) {
  ConfigSources sources{{flags.values.begin(), flags.values.end()}, Environment, flags.config_file};
  if (sources.file.empty()) sources.file = Environment("DOTCACHE_CONFIG").value_or("");
  return sources;
}

int Main(int argc, char** argv) {
  CLI::App app("dotcache: a caching DNS forwarder that asks over DNS over TLS", "dotcache");
  app.require_subcommand(1);
  app.get_formatter()->column_width(40);
  Flags flags;
  CLI::App* serve = app.add_subcommand("serve", "Serve until SIGTERM or SIGINT");
  CLI::App* check = app.add_subcommand(
      "check", "Print the effective configuration, or every error in it, without serving");
  CLI::App* ctl = app.add_subcommand("ctl", "Control a running server (none is offered yet)");
  CLI::App* version = app.add_subcommand("version", "Print the version");
  for (CLI::App* command : {serve, check}) {
    AddSettings(*command, flags);
    command->footer("Flags win over environment, environment over file, file over defaults.");
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? EXIT_SUCCESS : kExitUsage;
  }
  if (version->parsed()) {
    std::printf("dotcache %s\n", DOTCACHE_VERSION);
    return EXIT_SUCCESS;
  }
  if (ctl->parsed()) {
    std::fprintf(stderr, "dotcache ctl: this version offers no control commands\n");
    return kExitUsage;
  }
  return serve->parsed() ? RunServe(SourcesOf(flags)) : RunCheck(SourcesOf(flags));
}

}  // namespace
}  // namespace dotcache

int main(int argc, char** argv) { return dotcache::Main(argc, argv); }
