// SPDX-License-Identifier: Apache-2.0
#include "cmd/ctl.h"

#include <poll.h>

#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "admin/control_text.h"
#include "cmd/watch.h"

namespace dotcache {
namespace {

using Parameters = std::vector<std::pair<std::string, std::string>>;

constexpr int kFirstErrorStatus = 400;

}  // namespace

struct Ctl::Options {
  std::string socket;
  bool json = false;
  std::string name;
  std::string type;
  std::string level;
  std::string provider;
  bool subtree = false;
  bool all = false;
  bool dnssec = false;
  std::string by = "names";
  int seconds = 5;
  int limit = 20;
  WatchOptions watch;
};

Ctl::Ctl(CLI::App& app)
    : app_(app.add_subcommand("ctl", "Control a running server over its control socket")),
      options_(std::make_unique<Options>()) {
  app_->require_subcommand(1);
  app_->add_option("--socket", options_->socket, "Control socket of the server")
      ->option_text(absl::StrCat("FILE  [", kDefaultControlPath, "]  ($DOTCACHE_CONTROL)"));
  app_->add_flag("--json", options_->json, "Print the reply as JSON");
  app_->fallthrough();
  app_->footer(
      "Exit status: 0: done; 1: the server replied with an error; 2: wrong command line; 3: no "
      "server answers at the socket.");
  app_->add_subcommand("status", "Show the state in a few numbers")->fallthrough();
  app_->add_subcommand("ready", "Tell whether the server is ready: exit status 0 or 1")
      ->fallthrough();
  app_->add_subcommand("upstreams", "Show the upstream servers")->fallthrough();
  AddCacheCommands();
  AddChangeCommands();
  AddViewCommands();
  app_->add_subcommand("drain", "Begin the stop, like SIGTERM")->fallthrough();
}

void Ctl::AddCacheCommands() {
  Options& options = *options_;
  CLI::App* lookup = app_->add_subcommand("lookup", "Show the entries of the cache for a question");
  CLI::App* explain =
      app_->add_subcommand("explain", "Say where the answer to a query would come from, and why");
  CLI::App* flush = app_->add_subcommand("flush", "Remove entries from the cache");
  for (CLI::App* command : {lookup, explain}) {
    command->fallthrough();
    command->add_option("NAME", options.name, "The name")->required();
    command->add_option("TYPE", options.type, "The record type [A]");
  }
  explain->add_flag("--dnssec", options.dnssec, "A query that asks for DNSSEC records (DO)");
  flush->fallthrough();
  CLI::Option* name = flush->add_option("NAME", options.name, "The name");
  CLI::Option* type = flush->add_option("--type", options.type, "Only this record type");
  CLI::Option* subtree =
      flush->add_flag("--subtree", options.subtree, "Also all names below the name");
  CLI::Option* all = flush->add_flag("--all", options.all, "The whole cache");
  type->excludes(subtree)->needs(name);
  subtree->needs(name);
  all->excludes(name);
}

void Ctl::AddChangeCommands() {
  Options& options = *options_;
  app_->add_subcommand("reload", "Read the configuration again, and show what changed")
      ->fallthrough();
  CLI::App* level = app_->add_subcommand("log-level", "Change the log level");
  level->fallthrough();
  level->add_option("LEVEL", options.level, "The least severe log line that is written")
      ->option_text("error|warn|info|debug")
      ->required();
  CLI::App* take_out = app_->add_subcommand("take-out", "Send no more queries to a provider");
  CLI::App* put_back = app_->add_subcommand("put-back", "Send queries to a provider again");
  for (CLI::App* command : {take_out, put_back}) {
    command->fallthrough();
    command->add_option("PROVIDER", options.provider, "A name that `ctl upstreams` shows")
        ->required();
  }
}

void Ctl::AddViewCommands() {
  Options& options = *options_;
  CLI::App* top =
      app_->add_subcommand("top", "Count queries for some seconds; show the most frequent");
  top->fallthrough();
  top->add_option("BY", options.by, "What to count [names]")->option_text("names|clients|types");
  top->add_option("--for", options.seconds, "Time of the measurement")
      ->option_text("SECONDS  [5]")
      ->check(CLI::Range(1, 60));
  top->add_option("--limit", options.limit, "Number of lines")
      ->option_text("N  [20]")
      ->check(CLI::Range(1, 1024));
  CLI::App* watch = app_->add_subcommand("watch", "Show rates, latency and providers, live");
  watch->fallthrough();
  watch->add_option("--interval", options.watch.interval_ms, "Time between two views")
      ->option_text("MILLISECONDS  [1000]")
      ->check(CLI::Range(100, 3'600'000));
  watch->add_option("--count", options.watch.count, "Number of views; 0: until q or Ctrl-C")
      ->option_text("N  [0]")
      ->check(CLI::Range(0, 1'000'000));
}

Ctl::~Ctl() = default;

bool Ctl::parsed() const { return app_->parsed(); }

// Returns the target and sets the method of the request.
std::string Ctl::RequestOf(std::string& method) const {
  const Options& options = *options_;
  const std::string command = app_->get_subcommands().front()->get_name();
  Parameters parameters;
  if (!options.name.empty()) parameters.emplace_back("name", options.name);
  if (!options.type.empty()) parameters.emplace_back("type", options.type);
  if (options.subtree) parameters.emplace_back("below", "1");
  if (options.all) parameters.emplace_back("all", "1");
  if (options.dnssec) parameters.emplace_back("dnssec", "1");
  if (!options.level.empty()) parameters.emplace_back("level", options.level);
  if (!options.provider.empty()) parameters.emplace_back("provider", options.provider);
  const bool reads = command == "status" || command == "ready" || command == "upstreams" ||
                     command == "lookup" || command == "explain";
  method = reads ? "GET" : "POST";
  return TargetOf("/" + command, parameters);
}

int Ctl::Print(const absl::StatusOr<ControlReply>& reply, const std::string& command) const {
  if (!reply.ok()) {
    std::fprintf(stderr,
                 "dotcache ctl: %s; is the server running, with `control` set to this path?\n",
                 std::string(reply.status().message()).c_str());
    return kExitUnreachable;
  }
  const bool refused = reply->status >= kFirstErrorStatus;
  if (options_->json) {
    std::fputs(reply->body.c_str(), stdout);
  } else if (refused && command != "reload") {
    std::fprintf(stderr, "dotcache ctl: %s\n", ErrorOf(reply->body).c_str());
  } else {
    const std::string text = command == "explain" ? RenderExplanationForPeople(reply->body)
                                                  : RenderForPeople(reply->body);
    std::fputs(text.c_str(), refused ? stderr : stdout);
  }
  return refused ? kExitRefused : EXIT_SUCCESS;
}

int Ctl::RunTop(const std::string& path) const {
  const std::string seconds = absl::StrCat(options_->seconds);
  const auto start =
      SendControl(path, "POST", TargetOf("/top", {{"by", options_->by}, {"seconds", seconds}}));
  if (!start.ok() || start->status >= kFirstErrorStatus) return Print(start, "top");
  // The measurement began before the reply, so it is over then.
  poll(nullptr, 0, options_->seconds * 1000);
  const std::string limit = absl::StrCat(options_->limit);
  return Print(SendControl(path, "GET", TargetOf("/top", {{"limit", limit}})), "top");
}

int Ctl::Run(const std::string& default_path) const {
  const std::string& path = options_->socket.empty() ? default_path : options_->socket;
  const std::string command = app_->get_subcommands().front()->get_name();
  if (command == "top") return RunTop(path);
  if (command == "watch") {
    WatchOptions watch = options_->watch;
    watch.json = options_->json;
    return RunWatch(path, watch);
  }
  std::string method;
  const std::string target = RequestOf(method);
  return Print(SendControl(path, method, target), command);
}

}  // namespace dotcache
