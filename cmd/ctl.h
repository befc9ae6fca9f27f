// SPDX-License-Identifier: Apache-2.0
// The subcommand `ctl`: controls a running server.
#ifndef DOTCACHE_CMD_CTL_H_
#define DOTCACHE_CMD_CTL_H_

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "cmd/control_client.h"

namespace dotcache {

inline constexpr char kDefaultControlPath[] = "/run/dotcache/control.sock";

// The commands of `dotcache ctl`. Each one is a request to the control socket of a running server.
class Ctl {
 public:
  // Exit statuses besides 0 and that of a wrong command line.
  static constexpr int kExitRefused = 1;      // The server replied with an error.
  static constexpr int kExitUnreachable = 3;  // No server listens at the socket.

  // Adds `ctl` and its commands to `app`. Must outlive the parsing.
  explicit Ctl(CLI::App& app);
  ~Ctl();

  bool parsed() const;

  // Sends the request and prints the reply. `default_path` is used without --socket.
  // REQUIRES: parsed().
  int Run(const std::string& default_path) const;

 private:
  struct Options;
  void AddCacheCommands();   // lookup, explain, flush.
  void AddChangeCommands();  // Those that change the running server.
  void AddViewCommands();    // top, watch.
  std::string RequestOf(std::string& method) const;
  // Prints the reply to this command. Returns the exit status.
  int Print(const absl::StatusOr<ControlReply>& reply, const std::string& command) const;
  int RunTop(const std::string& path) const;

  CLI::App* app_;
  std::unique_ptr<Options> options_;
};

}  // namespace dotcache

#endif  // DOTCACHE_CMD_CTL_H_
