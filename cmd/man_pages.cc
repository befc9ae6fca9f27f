// SPDX-License-Identifier: Apache-2.0
#include "cmd/man_pages.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "cmd/settings.h"

namespace dotcache {
namespace {

// Text without meaning for groff.
std::string Plain(absl::string_view text) {
  std::string out =
      absl::StrReplaceAll(text, {{"\\", "\\e"}, {"-", "\\-"}, {"'", "\\(aq"}, {"\n", "\n.br\n"}});
  if (!out.empty() && out.front() == '.') out.insert(0, "\\&");
  return out;
}

// A macro's argument.
std::string Argument(absl::string_view text) {
  return absl::StrCat("\"", absl::StrReplaceAll(Plain(text), {{"\"", "\\(dq"}}), "\"");
}

std::string Head(const char* name, const char* section, const std::string& version) {
  return absl::StrCat(
      ".\\\" SPDX-License-Identifier: Apache-2.0\n.\\\" Made by dotcache generate.\n", ".TH ",
      Argument(name), " ", section, " \"\" ", Argument("dotcache " + version), "\n.SH NAME\n");
}

void AppendItem(const std::string& title, const std::string& text, std::string& out) {
  absl::StrAppend(&out, ".TP\n.B ", Argument(title), "\n", Plain(text), "\n");
}

bool HasOption(const CommandWords& command, const std::string& name) {
  return std::any_of(command.options.begin(), command.options.end(),
                     [&](const OptionWords& option) { return option.name == name; });
}

std::string Synopsis(const CommandWords& command) {
  std::string text = absl::StrCat("dotcache", command.path.empty() ? "" : " ", command.path);
  for (const OptionWords& option : command.options) {
    if (option.is_positional()) absl::StrAppend(&text, " [", option.name, "]");
  }
  return text + (command.commands.empty() ? " [OPTIONS]" : " COMMAND");
}

// The options of a command. `known`: a command whose options are not repeated, or null.
void AppendOptions(const CommandWords& command, const CommandWords* known, std::string& out) {
  bool repeats = false;
  for (const OptionWords& option : command.options) {
    if (option.name == "--help") continue;
    if (known != nullptr && HasOption(*known, option.name)) {
      repeats = true;
      continue;
    }
    AppendItem(option.value.empty() ? option.name : absl::StrCat(option.name, " ", option.value),
               option.help.empty() ? "No further text." : option.help, out);
  }
  if (repeats) {
    absl::StrAppend(&out, ".PP\nThe options of ", Plain("dotcache " + known->path),
                    " have the same meaning here.\n");
  }
}

}  // namespace

std::string ProgramManPage(const std::vector<CommandWords>& commands, const std::string& version) {
  std::string out = Head("DOTCACHE", "8", version);
  absl::StrAppend(&out, Plain("dotcache - a caching DNS forwarder that uses DNS over TLS"),
                  "\n.SH SYNOPSIS\n");
  for (const CommandWords& command : commands) {
    if (command.path.empty()) continue;
    absl::StrAppend(&out, ".B ", Argument(Synopsis(command)), "\n.br\n");
  }
  absl::StrAppend(&out, ".SH DESCRIPTION\n",
                  Plain("dotcache answers DNS queries from its cache and forwards other queries to "
                        "upstream servers over DNS over TLS."),
                  "\n");
  const CommandWords* serve = nullptr;
  for (const CommandWords& command : commands) {
    if (command.path.empty()) continue;
    absl::StrAppend(&out, ".SH ", Argument("dotcache " + command.path), "\n", Plain(command.help),
                    ".\n");
    AppendOptions(command, serve, out);
    if (command.path == "serve") serve = &command;
    if (!command.footer.empty() && command.path.find("ctl") == 0) {
      absl::StrAppend(&out, ".PP\n", Plain(command.footer), "\n");
    }
  }
  absl::StrAppend(
      &out, ".SH ENVIRONMENT\n",
      Plain("Each option of serve names its variable. The order of precedence is: flag, "
            "environment variable, YAML file, default."),
      "\n.SH SIGNALS\n");
  AppendItem("SIGTERM, SIGINT", "Stop without losing a query.", out);
  AppendItem("SIGHUP", "Read the configuration again.", out);
  AppendItem("SIGUSR1", "Log a line about the state.", out);
  absl::StrAppend(&out, ".SH ", Argument("EXIT STATUS"), "\n");
  AppendItem("0", "Done.", out);
  AppendItem("1", "An error, which is printed or logged.", out);
  AppendItem("2", "The command line is wrong.", out);
  AppendItem("3", "No server answers at the control socket (only dotcache ctl).", out);
  return out + ".SH \"SEE ALSO\"\n.BR dotcache.yaml (5)\n";
}

std::string SettingsManPage(const std::vector<Setting>& settings, const std::string& version) {
  std::string out = Head("DOTCACHE.YAML", "5", version);
  absl::StrAppend(
      &out, Plain("dotcache.yaml - settings of dotcache"), "\n.SH DESCRIPTION\n",
      Plain(
          "A map from settings to values. A setting with a flag can also be given as --SETTING on "
          "the command line, and as a variable in the environment. dotcache check prints the "
          "effective settings."),
      "\n.SH SETTINGS\n");
  for (const Setting& setting : settings) {
    const std::string range = setting.range.empty() ? "" : absl::StrCat(" (", setting.range, ")");
    const std::string sources =
        setting.yaml_only ? "" : absl::StrCat(" Variable: ", EnvironmentName(setting.key), ".");
    AppendItem(
        absl::StrCat(setting.key, ": ", setting.value_name, setting.is_list ? " (list)" : ""),
        absl::StrCat(setting.help, range, ". Default: ", setting.default_text, ".", sources), out);
  }
  absl::StrAppend(&out, ".SH EXAMPLE\n.nf\n", Plain("listen: [\"127.0.0.1:53\"]"), "\n",
                  Plain("upstream: [cloudflare, quad9]"), "\n", Plain("cache-size: 64MiB"),
                  "\n.fi\n.SH \"SEE ALSO\"\n.BR dotcache (8)\n");
  return out;
}

}  // namespace dotcache
