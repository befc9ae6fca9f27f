// SPDX-License-Identifier: Apache-2.0
// Reports the state of the process to systemd.
#ifndef DOTCACHE_CMD_SERVICE_MANAGER_H_
#define DOTCACHE_CMD_SERVICE_MANAGER_H_

#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "core/clock.h"

namespace dotcache {

// The service manager's side of sd_notify(3): one datagram to $NOTIFY_SOCKET for each change. Its
// manual recommends to implement this stable protocol without libsystemd. Without the variable
// nothing is sent. Any thread may call it.
class ServiceManager {
 public:
  using Variable = absl::FunctionRef<std::optional<std::string>(const std::string& name)>;

  // `process_id` is compared with $WATCHDOG_PID, because a child inherits the variables.
  ServiceManager(Variable variable, int process_id);

  void Ready(absl::string_view status) const;
  void Reloading() const;
  void Stopping() const;
  void Alive() const;

  // How often Alive() must be called, with a margin. std::nullopt: never.
  std::optional<Milliseconds> watchdog_interval() const { return watchdog_interval_; }

 private:
  void Send(const std::string& message) const;

  std::string socket_path_;  // Begins with '@' for an abstract address. Empty: no service manager.
  std::optional<Milliseconds> watchdog_interval_;
};

// True if standard error is the stream of the journal that $JOURNAL_STREAM names (systemd.exec(5)).
// The journal then takes priorities from lines and adds its own times.
bool StandardErrorIsJournal(ServiceManager::Variable variable);

}  // namespace dotcache

#endif  // DOTCACHE_CMD_SERVICE_MANAGER_H_
