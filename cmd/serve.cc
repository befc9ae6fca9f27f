// SPDX-License-Identifier: Apache-2.0
#include "cmd/serve.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "admin/http_server.h"
#include "cmd/config_check.h"
#include "cmd/descriptor_limit.h"
#include "core/log.h"
#include "core/test_delay.h"
#include "net/boot_clock.h"
#include "server/server.h"

namespace dotcache {
namespace {

constexpr Milliseconds kReadyPoll{50};
constexpr Milliseconds kCredentialPoll{2000};

int PrintErrors(const std::vector<ConfigError>& errors) {
  for (const ConfigError& error : errors) {
    std::fprintf(stderr, "%s\n", error.ToString().c_str());
  }
  return EXIT_FAILURE;
}

int Fail(const absl::Status& status) {
  Log(LogLevel::kError, "cannot start", {{"cause", status.message()}});
  return EXIT_FAILURE;
}

// Loads the configuration. If that finds no error, checks it against the machine.
LoadedConfig LoadAndCheck(const ConfigSources& sources) {
  LoadedConfig loaded = LoadConfig(sources);
  if (loaded.errors.empty()) loaded.errors = CheckOnMachine(loaded);
  return loaded;
}

// The signals that WaitForStop() takes.
sigset_t HandledSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  return signals;
}

// The address, as far as it is known at start.
std::string PlaceOf(const UpstreamServerOptions& upstream) {
  return upstream.host.empty() ? upstream.endpoint.ToString() : "resolved by bootstrap";
}

// Logged at every log level, because it runs before the level is set.
void WarnOfInsecureUpstreams(const Config& config) {
  for (const UpstreamZoneOptions& zone : config.server.upstream.zones) {
    for (const UpstreamServerOptions& upstream : zone.servers) {
      if (!upstream.identity.insecure || upstream.slot > 0) continue;
      Log(LogLevel::kWarn,
          "upstream is not authenticated: queries can be read and responses forged on the path",
          {{"provider", upstream.provider}, {"address", PlaceOf(upstream)}});
    }
  }
  for (const UpstreamServerOptions& bootstrap : config.server.upstream.bootstrap) {
    if (!bootstrap.identity.insecure) continue;
    Log(LogLevel::kWarn,
        "bootstrap is not authenticated: queries can be read and responses forged on the path",
        {{"address", bootstrap.endpoint.ToString()}});
  }
}

void WarnOfLegacyCrypto(const Config& config) {
  for (const UpstreamZoneOptions& zone : config.server.upstream.zones) {
    for (const UpstreamServerOptions& upstream : zone.servers) {
      if (!upstream.identity.legacy_crypto || upstream.slot > 0) continue;
      Log(LogLevel::kWarn,
          "upstream may use RSA keys under 2048 bits and SHA-1, which can be forged",
          {{"provider", upstream.provider}, {"address", PlaceOf(upstream)}});
    }
  }
  for (const UpstreamServerOptions& bootstrap : config.server.upstream.bootstrap) {
    if (!bootstrap.identity.legacy_crypto) continue;
    Log(LogLevel::kWarn,
        "bootstrap may use RSA keys under 2048 bits and SHA-1, which can be forged",
        {{"address", bootstrap.endpoint.ToString()}});
  }
}

// One line for each zone, at every log level, as a reminder of the operator's decision.
void LogClearText(const Config& config) {
  for (const UpstreamZoneOptions& zone : config.server.upstream.zones) {
    std::vector<std::string> addresses;
    for (const UpstreamServerOptions& upstream : zone.servers) {
      if (upstream.transport == Transport::kDot) continue;
      addresses.push_back(
          absl::StrCat(TransportName(upstream.transport), "://", upstream.endpoint.ToString()));
    }
    if (addresses.empty()) continue;
    Log(LogLevel::kInfo, "zone is queried in clear text",
        {{"zone", zone.zone.ToString()}, {"addresses", absl::StrJoin(addresses, ",")}});
  }
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
  for (const UpstreamServerOptions& upstream : server.upstream_servers()) {
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

timespec ToTimespec(Milliseconds duration) {
  const auto seconds = std::chrono::duration_cast<Seconds>(duration);
  return {seconds.count(), std::chrono::nanoseconds(duration - seconds).count()};
}

// Waits for a signal to stop. Logs when the server becomes ready. Lets the server check its files
// of certificates, keys and pins every two seconds, and at once on SIGHUP.
int WaitForStop(Server& server, const sigset_t& signals) {
  bool ready = false;
  MonoTime next_look = BootTime() + kCredentialPoll;
  while (true) {
    const timespec wait = ToTimespec(ready ? kCredentialPoll : kReadyPoll);
    const int signal_number = sigtimedwait(&signals, nullptr, &wait);
    if (signal_number == SIGTERM || signal_number == SIGINT) return signal_number;
    if (!ready && server.ready()) {
      ready = true;
      TestDelay(Seam::kReady);
      Log(LogLevel::kInfo, "ready");
    }
    const MonoTime now = BootTime();
    if (signal_number != SIGHUP && now < next_look) continue;
    server.ReloadCredentials();
    next_look = now + kCredentialPoll;
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

// SIGHUP has no effect during a stop.
void WaitIgnoringReloads(Milliseconds duration) {
  sigset_t reloads;
  sigemptyset(&reloads);
  sigaddset(&reloads, SIGHUP);
  const MonoTime end = BootTime() + duration;
  while (BootTime() < end) {
    const timespec wait = ToTimespec(std::chrono::ceil<Milliseconds>(end - BootTime()));
    sigtimedwait(&reloads, nullptr, &wait);
  }
}

}  // namespace

int RunCheck(const ConfigSources& sources) {
  const LoadedConfig loaded = LoadAndCheck(sources);
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

  LoadedConfig loaded = LoadAndCheck(sources);
  if (!loaded.errors.empty()) return PrintErrors(loaded.errors);
  for (const ConfigError& warning : WarnOnMachine(loaded)) {
    Log(LogLevel::kWarn, "expensive TLS handshakes", {{"cause", warning.ToString()}});
  }
  WarnOfInsecureUpstreams(loaded.config);
  WarnOfLegacyCrypto(loaded.config);
  LogClearText(loaded.config);
  SetLogLevel(loaded.config.log_level);
  FitConnectionsToDescriptors(loaded.config.server);
  absl::StatusOr<std::unique_ptr<Server>> server = Server::Create(loaded.config.server);
  if (!server.ok()) return Fail(server.status());
  std::unique_ptr<HttpServer> admin;
  if (loaded.config.admin.has_value()) {
    auto opened =
        HttpServer::Open(*loaded.config.admin, **server, {.host_names = loaded.config.admin_hosts});
    if (!opened.ok()) return Fail(opened.status());
    admin = *std::move(opened);
  }
  LogPlan(**server, admin != nullptr ? std::optional(admin->local_endpoint()) : std::nullopt);
  if (absl::Status status = (*server)->Start(); !status.ok()) return Fail(status);
  LogStarted(**server);

  const int signal_number = WaitForStop(**server, signals);
  TestDelay(Seam::kStop);
  (*server)->AnnounceStop();
  Log(LogLevel::kInfo, "stopping",
      {{"signal", sigabbrev_np(signal_number)}, {"lame_duck_ms", loaded.config.lame_duck.count()}});
  LetSignalsEndTheProcess();
  WaitIgnoringReloads(loaded.config.lame_duck);
  (*server)->Shutdown();
  TestDelay(Seam::kStopped);
  Log(LogLevel::kInfo, "stopped");
  return EXIT_SUCCESS;
}

}  // namespace dotcache
