// SPDX-License-Identifier: Apache-2.0
#include "cmd/service.h"

#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>

#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cmd/config_check.h"
#include "cmd/descriptor_limit.h"
#include "cmd/reload.h"
#include "cmd/upstream_warnings.h"
#include "core/log.h"
#include "core/status_macros.h"

namespace dotcache {
namespace {

void LogReload(const ReloadReport& report) {
  for (const std::string& error : report.errors) {
    Log(LogLevel::kError, "configuration error", {{"cause", error}});
  }
  if (!report.errors.empty()) {
    Log(LogLevel::kError, "configuration not reloaded: nothing has changed",
        {{"errors", report.errors.size()}});
    return;
  }
  for (const std::string& line : report.changes) {
    Log(LogLevel::kInfo, "configuration changed", {{"line", line}});
  }
  if (!report.need_restart.empty()) {
    Log(LogLevel::kWarn, "settings that need a restart",
        {{"settings", absl::StrJoin(report.need_restart, ",")}});
  }
  Log(LogLevel::kInfo, "configuration reloaded");
}

// All errors, those of local records only if there are others.
std::vector<std::string> ErrorsOfReload(const LoadedConfig& loaded, const Config& running) {
  std::vector<ConfigError> errors = CheckForReload(loaded, running, /*local_data=*/false);
  if (!errors.empty() || !loaded.errors.empty()) {
    errors = CheckForReload(loaded, running, /*local_data=*/true);
  }
  std::vector<std::string> texts;
  for (const ConfigError& error : loaded.errors) texts.push_back(error.ToString());
  for (const ConfigError& error : errors) texts.push_back(error.ToString());
  return texts;
}

bool HasText(const std::string& file) {
  struct stat found = {};
  return stat(file.c_str(), &found) == 0 && found.st_size > 0;
}

// Returns an error if `provider` is in no zone, or if a zone of it has all providers in
// `taken_out`.
absl::Status CheckProviders(const UpstreamOptions& upstream, const std::string& provider,
                            const std::set<std::string>& taken_out) {
  std::set<std::string> all;
  for (const UpstreamZoneOptions& zone : upstream.zones) {
    std::set<std::string> left;
    bool concerned = false;
    for (const UpstreamServerOptions& server : zone.servers) {
      all.insert(server.provider);
      concerned |= server.provider == provider;
      if (!taken_out.contains(server.provider)) left.insert(server.provider);
    }
    if (!concerned || !left.empty()) continue;
    return absl::FailedPreconditionError(
        absl::StrCat(provider, " is the last provider in use of the zone ", zone.zone.ToString()));
  }
  if (all.contains(provider)) return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat("there is no provider ", provider, "; the providers are ",
                                          absl::StrJoin(all, ", ")));
}

// Another size of the cache may be too large for the memory of this machine.
void LogMemoryWarning(const LoadedConfig& loaded, const Config& running) {
  if (loaded.config.server.cache.budget_bytes == running.server.cache.budget_bytes) return;
  for (const ConfigError& warning : WarnOnMachine(loaded)) {
    if (warning.key != "cache-size") continue;
    Log(LogLevel::kWarn, "too little memory", {{"cause", warning.ToString()}});
  }
}

constexpr Milliseconds kFilePoll{2000};

Config WithCancellation(Config config, const std::atomic<bool>& cancelled) {
  config.server.local_data.cancelled = &cancelled;
  return config;
}

}  // namespace

LoadedConfig LoadAndCheck(const ConfigSources& sources, bool bind,
                          const InheritedSockets& inherited) {
  LoadedConfig loaded = LoadConfig(sources);
  std::vector<ConfigError> errors = CheckOnMachine(loaded, bind, inherited);
  loaded.errors.insert(loaded.errors.end(), std::make_move_iterator(errors.begin()),
                       std::make_move_iterator(errors.end()));
  return loaded;
}

absl::StatusOr<std::unique_ptr<Service>> Service::Create(const Config& config,
                                                         const ConfigSources& sources,
                                                         const ServiceManager& manager,
                                                         const InheritedSockets& inherited) {
  auto service = std::unique_ptr<Service>(new Service(config, sources, manager));
  ASSIGN_OR_RETURN(service->server_, Server::Create(config.server, inherited));
  return service;
}

Service::Service(const Config& config, const ConfigSources& sources, const ServiceManager& manager)
    : main_thread_(pthread_self()),
      sources_(sources),
      manager_(manager),
      file_had_text_(HasText(sources.file)),
      running_(WithCancellation(config, stopping_)),
      text_{{}, FormatConfig(config), {}},
      hosts_files_(config.server.local_data.hosts_files) {}

absl::Status Service::Start() {
  RETURN_IF_ERROR(server_->Start());
  manager_.Ready("Serving");
  housekeeping_ = std::thread([this] { Housekeep(); });
  return absl::OkStatus();
}

Service::~Service() {
  stopping_ = true;
  JoinHousekeeping();
}

void Service::JoinHousekeeping() {
  work_.release();
  if (housekeeping_.joinable()) housekeeping_.join();
}

void Service::Housekeep() {
  while (!stopping_) {
    static_cast<void>(work_.try_acquire_for(kFilePoll));
    if (stopping_) return;
    if (reload_requested_.exchange(false)) Reload();
    CheckFiles();
  }
}

void Service::RequestReload() {
  reload_requested_ = true;
  work_.release();
}

void Service::Tell(absl::FunctionRef<void(const ServiceManager&)> tell) {
  const MutexLock lock(tell_mutex_);
  if (!stopping_) tell(manager_);
}

void Service::AnnounceStop() {
  Tell([this](const ServiceManager& manager) {
    stopping_ = true;
    manager.Stopping();
  });
  work_.release();
  server_->AnnounceStop();
}

void Service::TellAlive() {
  if (server_->WorkersHadTurn()) manager_.Alive();
}

void Service::CheckFiles() {
  const MutexLock lock(mutex_);
  server_->ReloadCredentials();
  server_->addresses().Check();
  if (stopping_ || !hosts_files_.Changed()) return;
  // Only the hosts files: the configuration may be in the middle of an edit.
  const absl::Status status = server_->Reload(running_.server);
  server_->NoteReload(status.ok());
  if (status.ok()) {
    Log(LogLevel::kInfo, "hosts files reloaded",
        {{"local_records", server_->local_record_count()}});
  } else {
    Log(LogLevel::kError, "hosts files not reloaded: nothing has changed",
        {{"cause", status.message()}});
  }
}

std::string Service::ConfigurationText() const {
  const MutexLock lock(text_.mutex);
  return text_.value;
}

void Service::UpdateText() {
  std::string text = FormatConfig(running_);
  const MutexLock lock(text_.mutex);
  text_.value = std::move(text);
  text_.taken_out = taken_out_;
}

void Service::Shutdown() {
  JoinHousekeeping();
  const MutexLock lock(mutex_);
  server_->Shutdown();
}

ReloadReport Service::Reload() {
  const MutexLock lock(mutex_);
  return ReloadLocked();
}

ReloadReport Service::ReloadLocked() {
  ReloadReport report;
  if (stopping_) {
    report.errors.emplace_back("the server is stopping");
    return report;
  }
  Tell([](const ServiceManager& manager) { manager.Reloading(); });
  if (const absl::Status status = CheckFileAgain(); !status.ok()) {
    report.errors.emplace_back(status.message());
  }
  LoadedConfig next;
  if (report.errors.empty()) {
    next = LoadConfig(sources_);
    next.config.server.local_data.cancelled = &stopping_;
    report.errors = ErrorsOfReload(next, running_);
  }
  if (report.errors.empty()) {
    FitConnectionsToDescriptors(next.config.server);
    report = TakeOver(next);
  }
  server_->NoteReload(report.errors.empty());
  LogReload(report);
  Tell([&report](const ServiceManager& manager) {
    manager.Ready(report.errors.empty() ? "Serving"
                                        : "Serving; the last reload failed, see the log");
  });
  return report;
}

absl::Status Service::CheckFileAgain() const {
  const std::string& file = sources_.file;
  struct stat found = {};
  if (file.empty() || stat(file.c_str(), &found) != 0) return absl::OkStatus();
  if (!S_ISREG(found.st_mode)) {
    return absl::InvalidArgumentError(
        absl::StrCat(file, ": is not a regular file, so it cannot be read again"));
  }
  if (found.st_size > 0 || !file_had_text_) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(file,
                   ": is empty, perhaps in the middle of an edit; a file without settings needs a "
                   "comment"));
}

ReloadReport Service::TakeOver(const LoadedConfig& loaded) {
  const Config& next = loaded.config;
  ReloadReport report;
  Config config = TakenOver(running_, next);
  const size_t records = server_->local_record_count();
  FileWatch hosts_files(config.server.local_data.hosts_files);  // Before the files are read.
  if (const absl::Status status = server_->Reload(config.server); !status.ok()) {
    for (const ConfigError& error : CheckForReload(loaded, running_, /*local_data=*/true)) {
      report.errors.push_back(error.ToString());
    }
    if (report.errors.empty()) report.errors.emplace_back(status.message());
    return report;
  }
  server_->ReloadCredentials();
  report.changes = ChangedLines(running_, config);
  report.need_restart = ChangedKeys(config, next);
  if (const size_t now = server_->local_record_count(); now != records) {
    report.changes.push_back(
        absl::StrCat("  # local records: ", records, " before, ", now, " now"));
  }
  if (config.log_level != running_.log_level) SetLogLevel(config.log_level);
  LogUpstreamWarnings(config, running_);
  LogMemoryWarning(loaded, running_);
  hosts_files_ = std::move(hosts_files);
  running_ = std::move(config);
  TakeOutAgain(report);
  UpdateText();
  return report;
}

// Providers that were taken out stay out, also in zones that they came to. Those that are the last
// of a zone now are put back.
void Service::TakeOutAgain(ReloadReport& report) {
  for (const std::string& provider : std::set<std::string>(taken_out_)) {
    const absl::Status status = CheckProviders(running_.server.upstream, provider, taken_out_);
    if (status.ok()) {
      server_->UseProvider(provider, false);
      continue;
    }
    taken_out_.erase(provider);
    if (absl::IsNotFound(status)) continue;
    server_->UseProvider(provider, true);
    report.changes.push_back(absl::StrCat("  # provider put back: ", status.message()));
  }
}

void Service::Drain() { pthread_kill(main_thread_, kDrainSignal); }

void Service::UseLogLevel(LogLevel level) {
  SetLogLevel(level);
  Log(LogLevel::kInfo, "log level changed", {{"level", LogLevelName(level)}});
}

absl::Status Service::UseProvider(const std::string& provider, bool use) {
  const MutexLock lock(mutex_);
  std::set<std::string> taken_out = taken_out_;
  use ? void(taken_out.erase(provider)) : void(taken_out.insert(provider));
  RETURN_IF_ERROR(CheckProviders(running_.server.upstream, provider, taken_out));
  if (taken_out == taken_out_) return absl::OkStatus();
  taken_out_ = std::move(taken_out);
  server_->UseProvider(provider, use);
  UpdateText();
  Log(LogLevel::kWarn, use ? "provider put back" : "provider taken out: it gets no query",
      {{"provider", provider}});
  return absl::OkStatus();
}

bool Service::IsTakenOut(const std::string& provider) const {
  const MutexLock lock(text_.mutex);
  return text_.taken_out.contains(provider);
}

Milliseconds Service::lame_duck() const {
  const MutexLock lock(mutex_);
  return running_.lame_duck;
}

}  // namespace dotcache
