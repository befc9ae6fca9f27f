// SPDX-License-Identifier: Apache-2.0
// The running program: the server, its configuration, and what an operator does with both.
#ifndef DOTCACHE_CMD_SERVICE_H_
#define DOTCACHE_CMD_SERVICE_H_

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <memory>
#include <semaphore>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "admin/operations.h"
#include "cmd/config.h"
#include "cmd/service_manager.h"
#include "core/mutex.h"
#include "server/file_watch.h"
#include "server/server.h"

namespace dotcache {

// Loads the configuration and checks it against the machine, including the addresses to bind if
// `bind` is true. Reports all errors of all steps.
LoadedConfig LoadAndCheck(const ConfigSources& sources, bool bind,
                          const InheritedSockets& inherited = {});

// Owns the Server, and a thread that reloads and looks at files, so that main's thread is free for
// signals. One mutex guards the changes of the server: they come one after another. A stop ends a
// reload that is under way, which then changes nothing. Any thread may call any function after
// Start().
class Service : public Operations {
 public:
  // Begins the stop. It is no SIGTERM, of which the second one ends the process at once.
  static constexpr int kDrainSignal = SIGUSR2;

  // Makes the server of `config`. `sources` must outlive the result, which reads them again.
  // `manager` must outlive it too; reloads are reported to it.
  static absl::StatusOr<std::unique_ptr<Service>> Create(const Config& config,
                                                         const ConfigSources& sources,
                                                         const ServiceManager& manager,
                                                         const InheritedSockets& inherited = {});

  absl::Status Start();
  // Reports to the service manager that the workers are alive, if they are. For main's thread.
  void TellAlive();
  // Reloads on the thread of the service.
  void RequestReload();
  // Reads changed certificates, keys, CAs and pins. Takes over changed hosts files. Called every
  // two seconds.
  void CheckFiles();
  // Announces the stop to clients of /ready and to the service manager. A reload ends.
  void AnnounceStop();
  void Shutdown();

  ReloadReport Reload() override;
  void Drain() override;
  void UseLogLevel(LogLevel level) override;
  absl::Status UseProvider(const std::string& provider, bool use) override;
  bool IsTakenOut(const std::string& provider) const override;

  ~Service() override;

  Server& server() { return *server_; }
  // The settings in effect as YAML. They contain names of files with secrets, and no secret. Does
  // not wait for a reload.
  std::string ConfigurationText() const;
  Milliseconds lame_duck() const;

 private:
  Service(const Config& config, const ConfigSources& sources, const ServiceManager& manager);
  void Housekeep();
  void JoinHousekeeping();
  // Reports a state to the service manager, except after the stop was announced.
  void Tell(absl::FunctionRef<void(const ServiceManager&)> tell);
  ReloadReport ReloadLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // An error if the configuration file cannot be read again, or has become empty.
  absl::Status CheckFileAgain() const;
  void UpdateText() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  ReloadReport TakeOver(const LoadedConfig& loaded) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakeOutAgain(ReloadReport& report) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const pthread_t main_thread_;  // It waits for signals.
  const ConfigSources& sources_;
  const ServiceManager& manager_;
  const bool file_had_text_;  // At the start.
  mutable Mutex mutex_;
  Config running_ ABSL_GUARDED_BY(mutex_);
  // What HTTP threads read, so that they wait for no reload: FormatConfig(running_) and a copy of
  // taken_out_. Its mutex is taken last.
  struct Text {
    mutable Mutex mutex;
    std::string value ABSL_GUARDED_BY(mutex);
    std::set<std::string> taken_out ABSL_GUARDED_BY(mutex);
  };
  Text text_;
  std::set<std::string> taken_out_ ABSL_GUARDED_BY(mutex_);
  FileWatch hosts_files_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<Server> server_;
  Mutex tell_mutex_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> reload_requested_{false};
  std::counting_semaphore<> work_{0};
  std::thread housekeeping_;
};

}  // namespace dotcache

#endif  // DOTCACHE_CMD_SERVICE_H_
