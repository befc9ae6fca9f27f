// SPDX-License-Identifier: Apache-2.0
#include "cmd/serve.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "admin/http_server.h"
#include "admin/status_report.h"
#include "cmd/config_check.h"
#include "cmd/descriptor_limit.h"
#include "cmd/privileges.h"
#include "cmd/service.h"
#include "cmd/service_manager.h"
#include "cmd/system_calls.h"
#include "cmd/upstream_warnings.h"
#include "core/log.h"
#include "core/status_macros.h"
#include "core/test_delay.h"
#include "net/boot_clock.h"
#include "net/listen_socket.h"
#include "net/unix_socket.h"
#include "server/server.h"

namespace dotcache {
namespace {

constexpr Milliseconds kReadyPoll{50};
constexpr Milliseconds kLongestWait{2000};

int PrintErrors(const std::vector<ConfigError>& errors) {
  for (const ConfigError& error : errors) {
    std::fprintf(stderr, "%s\n", error.ToString().c_str());
  }
  return EXIT_FAILURE;
}

void PrintWarnings(const std::vector<ConfigError>& warnings) {
  for (const ConfigError& warning : warnings) {
    std::fprintf(stderr, "warning: %s\n", warning.ToString().c_str());
  }
}

int Fail(const absl::Status& status) {
  Log(LogLevel::kError, "cannot start", {{"cause", status.message()}});
  return EXIT_FAILURE;
}

bool IsStop(int signal_number) { return signal_number == SIGTERM || signal_number == SIGINT; }

// The sockets that the service manager opened (sd_listen_fds(3)).
absl::StatusOr<InheritedSockets> TakeSockets(const ConfigSources& sources) {
  const auto variable = [&sources](const char* name) {
    return sources.environment(name).value_or("");
  };
  return TakeInheritedSockets(variable("LISTEN_PID"), variable("LISTEN_FDS"),
                              variable("LISTEN_FDNAMES"));
}

// The signals that WaitForStop() takes.
sigset_t HandledSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  sigaddset(&signals, SIGUSR1);
  sigaddset(&signals, Service::kDrainSignal);
  return signals;
}

void LogPlan(const Server& server, const std::optional<Endpoint>& admin) {
  TestDelay(Seam::kPlan);
  for (const ListenOptions& listen : server.listeners()) {
    Log(LogLevel::kInfo, "listening",
        {{"transport", TransportName(listen.transport)}, {"address", listen.endpoint.ToString()}});
  }
  if (admin.has_value()) {
    Log(LogLevel::kInfo, "listening", {{"transport", "http"}, {"address", admin->ToString()}});
  }
  const std::shared_ptr<const UpstreamPlan> plan = server.upstreams();
  for (const UpstreamServerOptions& upstream : plan->servers) {
    if (upstream.transport != Transport::kDot) continue;  // Logged with its zone.
    if (upstream.slot > 0) continue;                      // One line for a host name.
    const TlsPeerIdentity& identity = upstream.identity;
    Log(LogLevel::kInfo, "upstream",
        {{"provider", upstream.provider},
         {"address", PlaceOf(upstream)},
         {"name",
          identity.authentication_name.empty() ? identity.address : identity.authentication_name}});
  }
  for (const UpstreamServerOptions& bootstrap : server.options().upstream.bootstrap) {
    Log(LogLevel::kInfo, "bootstrap",
        {{"address", bootstrap.endpoint.ToString()},
         {"transport", TransportName(bootstrap.transport)}});
  }
}

void LogStarted(const Server& server) {
  TestDelay(Seam::kStarted);
  const ServerOptions& options = server.options();
  Log(LogLevel::kInfo, "started",
      {{"workers", options.workers},
       {"cache_bytes", options.cache.budget_bytes},
       {"policy", SelectionPolicyName(options.upstream.zones.front().policy)},
       {"local_records", server.local_record_count()}});
}

// A process of root becomes another user before it binds its addresses.
absl::Status LeaveRoot(const Config& config) {
  if (!LeavesRoot(config.user)) return absl::OkStatus();
  RETURN_IF_ERROR(BecomeUser(config.user));
  Log(LogLevel::kInfo, "no longer root", {{"user", config.user}});
  return absl::OkStatus();
}

// All files that are read again when they change, or by a reload.
std::vector<std::string> FilesReadAgain(const Config& config, const ConfigSources& sources,
                                        const Server& server) {
  std::vector<std::string> files = server.credentials().Files();
  files.push_back(sources.file);
  files.push_back(config.server.cookie_secret_file);
  const std::vector<std::string>& hosts = config.server.local_data.hosts_files;
  files.insert(files.end(), hosts.begin(), hosts.end());
  return files;
}

// Gives up what only the start needs. All addresses are bound and all files are read. After an
// error the process may have rights that it should not have.
absl::Status GiveUpPrivileges(const Config& config, bool was_root,
                              const std::vector<std::string>& files_read_again) {
  if (geteuid() != 0) {
    absl::Status status = GiveUpRest(config.server.upstream.limits.outgoing.mark != 0);
    if (!status.ok() && was_root) return status;
    if (!status.ok()) {
      Log(LogLevel::kWarn, "not all privileges are given up", {{"cause", status.message()}});
    }
  }
  AllowCoreDumps(config.core_dumps || !CanConfine());
  const std::vector<std::string> unreadable = Unreadable(files_read_again);
  if (unreadable.empty()) return absl::OkStatus();
  Log(LogLevel::kWarn, "the user cannot read these files again: their changes need a restart",
      {{"user", config.user}, {"files", absl::StrJoin(unreadable, ",")}});
  return absl::OkStatus();
}

absl::Status RestrictSystemCalls(const Config& config) {
  if (config.system_calls == SystemCallMode::kOff) return absl::OkStatus();
  if (!CanConfine()) {
    Log(LogLevel::kInfo, "system calls are not filtered: this build is for tests");
    return absl::OkStatus();
  }
  absl::Status status = RestrictSystemCalls(config.system_calls);
  if (status.ok() || config.system_calls == SystemCallMode::kAbort) return status;
  Log(LogLevel::kWarn, "system calls are not filtered", {{"cause", status.message()}});
  return absl::OkStatus();
}

timespec ToTimespec(Milliseconds duration) {
  const auto seconds = std::chrono::duration_cast<Seconds>(duration);
  return {seconds.count(), std::chrono::nanoseconds(duration - seconds).count()};
}

void LogStatus(const Server& server) {
  const StatusReport status = StatusOf(server);
  Log(LogLevel::kInfo, "status",
      {{"ready", status.ready ? "yes" : "no"},
       {"queries", status.queries},
       {"cache_hits", status.cache_hits},
       {"cache_entries", status.cache.entries},
       {"cache_bytes", status.cache.bytes},
       {"stale_answers", status.stale_answers},
       {"servfail", status.servfail},
       {"pending_queries", status.pending_queries},
       {"stream_connections", status.stream_connections},
       {"upstreams_up", status.upstreams_up},
       {"upstreams", status.upstreams}});
}

// Waits for a signal to stop. Meanwhile logs when the server becomes ready, reports to the service
// manager that the workers are alive, and handles the other signals.
int WaitForStop(Service& service, std::optional<Milliseconds> watchdog, const sigset_t& signals) {
  bool ready = false;
  const Milliseconds longest = std::min(kLongestWait, watchdog.value_or(kLongestWait));
  MonoTime next_sign = BootTime();
  while (true) {
    const timespec wait = ToTimespec(ready ? longest : kReadyPoll);
    const int signal_number = sigtimedwait(&signals, nullptr, &wait);
    if (IsStop(signal_number) || signal_number == Service::kDrainSignal) return signal_number;
    if (signal_number == SIGHUP) service.RequestReload();
    if (signal_number == SIGUSR1) LogStatus(service.server());
    if (!ready && service.server().ready()) {
      ready = true;
      TestDelay(Seam::kReady);
      Log(LogLevel::kInfo, "ready");
    }
    const MonoTime now = BootTime();
    if (watchdog.has_value() && now >= next_sign) {
      service.TellAlive();
      next_sign = now + *watchdog;
    }
  }
}

// After this call SIGTERM and SIGINT end the process at once.
void LetSignalsEndTheProcess() {
  struct sigaction action = {};
  action.sa_handler = [](int) { _exit(EXIT_FAILURE); };
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  sigset_t deadly;
  sigemptyset(&deadly);
  sigaddset(&deadly, SIGTERM);
  sigaddset(&deadly, SIGINT);
  pthread_sigmask(SIG_UNBLOCK, &deadly, nullptr);
}

// Ignores signals for this time, except SIGTERM and SIGINT: the second one ends the process. A
// drain counts as none.
void WaitIgnoringSignals(Milliseconds duration, bool is_drain, sigset_t signals) {
  const auto let_signals_end = [&signals] {
    LetSignalsEndTheProcess();
    sigdelset(&signals, SIGTERM);
    sigdelset(&signals, SIGINT);
  };
  if (!is_drain) let_signals_end();
  const MonoTime end = BootTime() + duration;
  while (BootTime() < end) {
    const timespec wait = ToTimespec(std::chrono::ceil<Milliseconds>(end - BootTime()));
    if (IsStop(sigtimedwait(&signals, nullptr, &wait))) let_signals_end();
  }
}

// Everything that serves. The members end in reverse order.
struct Serving {
  std::unique_ptr<Service> service;
  std::unique_ptr<HttpServer> admin;    // Null if it is off.
  std::unique_ptr<HttpServer> control;  // The same.
};

// With `reuse-port` another instance has the path until this one has started. A process that leaves
// root cannot wait for that: another user may not be able to replace the path.
absl::StatusOr<UnixPath> ListenForControl(const Config& config) {
  const bool may_wait = config.server.reuse_port && !LeavesRoot(config.user);
  if (may_wait) return UnixPath::Prepare(config.control_path);
  return UnixPath::Listen(config.control_path, config.server.reuse_port);
}

// Each step uses privileges that the next one gives up.
absl::StatusOr<Serving> StartServing(const Config& config, const ConfigSources& sources,
                                     const ServiceManager& manager,
                                     const InheritedSockets& inherited) {
  std::optional<UnixPath> control;
  if (!config.control_path.empty()) {
    // The path belongs to root, and so only root may control the server.
    ASSIGN_OR_RETURN(UnixPath path, ListenForControl(config));
    control.emplace(std::move(path));
  }
  const bool was_root = LeavesRoot(config.user);
  RETURN_IF_ERROR(LeaveRoot(config));
  Serving serving;
  ASSIGN_OR_RETURN(serving.service, Service::Create(config, sources, manager, inherited));
  Server& server = serving.service->server();
  UniqueFd admin;
  if (config.admin.has_value()) {
    ASSIGN_OR_RETURN(admin, HttpServer::Bind(*config.admin, config.server.reuse_port));
  }
  // Before the first thread starts, because each thread has capabilities of its own.
  RETURN_IF_ERROR(GiveUpPrivileges(config, was_root, FilesReadAgain(config, sources, server)));
  std::optional<Endpoint> admin_endpoint;
  if (admin.valid()) {
    admin_endpoint = LocalEndpoint(admin.get());
    ASSIGN_OR_RETURN(
        serving.admin,
        HttpServer::Open(
            std::move(admin), server,
            {.host_names = config.admin_hosts,
             .configuration = [&service = *serving.service] { return service.ConfigurationText(); },
             .operations = serving.service.get()}));
  }
  LogPlan(server, admin_endpoint);
  RETURN_IF_ERROR(serving.service->Start());
  if (control.has_value()) {
    RETURN_IF_ERROR(control->Publish());
    ASSIGN_OR_RETURN(serving.control,
                     HttpServer::OpenControl(*std::move(control), server, *serving.service));
  }
  RETURN_IF_ERROR(RestrictSystemCalls(config));
  LogStarted(server);
  return serving;
}

}  // namespace

int RunCheck(const ConfigSources& sources, bool bind) {
  const LoadedConfig loaded = LoadAndCheck(sources, bind);
  PrintWarnings(loaded.warnings);
  if (!loaded.errors.empty()) return PrintErrors(loaded.errors);
  PrintErrors(WarnOnMachine(loaded));
  std::fputs(FormatConfig(loaded.config).c_str(), stdout);
  return EXIT_SUCCESS;
}

int RunServe(const ConfigSources& sources) {
  // Before any other thread starts, so that all threads inherit the mask.
  const sigset_t signals = HandledSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  if (StandardErrorIsJournal(sources.environment)) SetLogForm(LogForm::kJournal);

  const absl::StatusOr<InheritedSockets> inherited = TakeSockets(sources);
  if (!inherited.ok()) return Fail(inherited.status());
  LoadedConfig loaded = LoadAndCheck(sources, /*bind=*/true, *inherited);
  PrintWarnings(loaded.warnings);
  if (!loaded.errors.empty()) return PrintErrors(loaded.errors);
  if (loaded.config.log_form == LogForm::kJson) SetLogForm(LogForm::kJson);
  for (const ConfigError& warning : WarnOnMachine(loaded)) {
    const bool is_memory = warning.key == "cache-size";
    Log(LogLevel::kWarn, is_memory ? "too little memory" : "expensive TLS handshakes",
        {{"cause", warning.ToString()}});
  }
  Config& config = loaded.config;
  LogUpstreamWarnings(config);  // At every log level, because none is set yet.
  SetLogLevel(config.log_level);
  FitConnectionsToDescriptors(config.server);
  const ServiceManager manager(sources.environment, getpid());
  const absl::StatusOr<Serving> serving = StartServing(config, sources, manager, *inherited);
  if (!serving.ok()) return Fail(serving.status());
  Service& service = *serving->service;

  const int signal_number = WaitForStop(service, manager.watchdog_interval(), signals);
  TestDelay(Seam::kStop);
  service.AnnounceStop();
  const Milliseconds lame_duck = service.lame_duck();
  Log(LogLevel::kInfo, "stopping",
      {{"signal", sigabbrev_np(signal_number)}, {"lame_duck_ms", lame_duck.count()}});
  WaitIgnoringSignals(lame_duck, /*is_drain=*/!IsStop(signal_number), signals);
  service.Shutdown();
  TestDelay(Seam::kStopped);
  Log(LogLevel::kInfo, "stopped");
  return EXIT_SUCCESS;
}

}  // namespace dotcache
