// SPDX-License-Identifier: Apache-2.0
#include "cmd/config_check.h"

#include <algorithm>
#include <initializer_list>
#include <set>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "cmd/privileges.h"
#include "cmd/reload.h"
#include "cmd/settings.h"
#include "net/listen_socket.h"
#include "net/outgoing_socket.h"
#include "net/tls/tls_credentials.h"
#include "net/unix_socket.h"
#include "server/file_watch.h"
#include "server/own_listener.h"

namespace dotcache {
namespace {

constexpr int kExpensiveRsaBits = 3072;
constexpr uint64_t kOtherMemory = uint64_t{32} << 20;  // Of the process, without the cache.

// Collects the errors of all steps.
class Checker {
 public:
  // `changed`: the keys of the settings to check; std::nullopt: all.
  Checker(const LoadedConfig& loaded, bool bind, const InheritedSockets& inherited,
          std::optional<std::vector<std::string>> changed = std::nullopt)
      : loaded_(loaded),
        server_(loaded.config.server),
        config_(loaded.config),
        origins_(loaded.origins),
        bind_(bind),
        inherited_(inherited),
        changed_(std::move(changed)) {}

  std::vector<ConfigError> Check(bool local_data = true) {
    const bool listeners = IsRead({"listen"});
    const bool upstreams = IsRead({"upstream", "zones", "bootstrap"});
    if (listeners && IsRead({"admin"})) CheckConflicts();
    // With a conflict these would report an address as used by another program.
    if (bind_ && errors_.empty()) {
      if (listeners) CheckListeners();
      if (config_.admin.has_value() && IsRead({"admin"})) {
        Report("admin", CheckFree(*config_.admin, SocketKind::kTcp, AbsentAddress::kRefuse));
      }
    }
    if (listeners && HasChanged({"listen", "listen-cert", "listen-key"})) CheckListenCertificate();
    if (upstreams && HasChanged({"upstream", "zones", "bootstrap", "upstream-ca"})) {
      CheckUpstreamCredentials();
    }
    const std::initializer_list<absl::string_view> outgoing = {"upstream-source", "upstream-mark"};
    if (IsRead(outgoing) && HasChanged(outgoing)) CheckOutgoing();
    if (!config_.control_path.empty() && HasChanged({"control"})) {
      Report("control", UnixPath::Check(config_.control_path));
      // A service manager may make the folder at the start only.
      if (bind_) Report("control", UnixPath::CheckFolder(config_.control_path));
    }
    if (HasChanged({"user"})) Report("user", FindUser(config_.user).status());
    if (HasChanged({"cookie-secret-file"})) {
      ReportFiles(origins_.Of("cookie-secret-file"), "cookie-secret-file",
                  {server_.cookie_secret_file},
                  [&] { return LoadCookieSecrets(server_.cookie_secret_file).status(); });
    }
    if (local_data && IsRead({"records", "hosts-file"})) CheckLocalData();
    if (listeners && upstreams) CheckOwnListeners();
    return std::move(errors_);
  }

 private:
  void Report(const ConfigOrigin& origin, absl::string_view key, const absl::Status& status) {
    if (status.ok()) return;
    errors_.push_back({origin, std::string(key), std::string(status.message())});
  }

  void Report(absl::string_view key, const absl::Status& status) {
    Report(origins_.Of(key), key, status);
  }

  // Runs `read` only when all files are regular files, because other kinds can block it.
  void ReportFiles(const ConfigOrigin& origin, absl::string_view key,
                   std::vector<std::string> files, absl::FunctionRef<absl::Status()> read) {
    const absl::Status regular = FileWatch(std::move(files)).CheckRegular();
    Report(origin, key, regular.ok() ? read() : regular);
  }

  // False if the reading has found an error in one of these settings, because their values are then
  // incomplete. An error inside a map of servers has the key of the map's member. An error without
  // a key means that no setting was read.
  bool IsRead(std::initializer_list<absl::string_view> keys) const {
    for (const ConfigError& error : loaded_.errors) {
      const bool in_servers = FindSetting(error.key) == nullptr;
      for (const absl::string_view key : keys) {
        if (error.key == key || error.key.empty() || (in_servers && key == "upstream"))
          return false;
      }
    }
    return true;
  }

  bool HasChanged(std::initializer_list<absl::string_view> keys) const {
    if (!changed_.has_value()) return true;
    return std::any_of(changed_->begin(), changed_->end(), [&keys](const std::string& key) {
      return std::find(keys.begin(), keys.end(), key) != keys.end();
    });
  }

  // Own endpoints that cannot be bound at the same time.
  void CheckConflicts() {
    for (size_t i = 0; i < server_.listen.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        if (KindOf(server_.listen[i]) != KindOf(server_.listen[j])) continue;
        ReportConflict(ListenOrigin(i), "listen", server_.listen[i].endpoint,
                       server_.listen[j].endpoint);
      }
      if (config_.admin.has_value() && KindOf(server_.listen[i]) == SocketKind::kTcp) {
        ReportConflict(origins_.Of("admin"), "admin", *config_.admin, server_.listen[i].endpoint);
      }
    }
  }

  void ReportConflict(const ConfigOrigin& origin, absl::string_view key, const Endpoint& a,
                      const Endpoint& b) {
    const bool same_port = a.port() == b.port() && a.port() != 0;
    if (!same_port || a.is_v6() != b.is_v6()) return;
    if (!(a == b) && !a.is_wildcard() && !b.is_wildcard()) return;
    Report(origin, key,
           absl::InvalidArgumentError(absl::StrCat(a.ToString(), " conflicts with `listen` ",
                                                   b.ToString(), "; use another port")));
  }

  ConfigOrigin ListenOrigin(size_t index) const { return origins_.OfElement("listen", index); }

  static SocketKind KindOf(const ListenOptions& listen) {
    return listen.transport == Transport::kUdp ? SocketKind::kUdp : SocketKind::kTcp;
  }

  // With `reuse-port`, another instance may have the address. The start reports other errors.
  absl::Status CheckFree(const Endpoint& endpoint, SocketKind kind, AbsentAddress absent) const {
    return server_.reuse_port ? absl::OkStatus() : CheckEndpointFree(endpoint, kind, absent);
  }

  void CheckListeners() {
    for (size_t i = 0; i < server_.listen.size(); ++i) {
      const ListenOptions& listen = server_.listen[i];
      if (FindInherited(inherited_, listen) != nullptr) continue;
      // A listener may wait for its address, except a default one.
      const absl::Status status =
          CheckFree(listen.endpoint, KindOf(listen),
                    listen.optional ? AbsentAddress::kRefuse : AbsentAddress::kBind);
      if (listen.optional && absl::IsUnavailable(status)) continue;
      Report(ListenOrigin(i), "listen", status);
    }
  }

  void CheckListenCertificate() {
    const bool has_cert = !server_.listen_certificate_file.empty();
    const bool has_key = !server_.listen_key_file.empty();
    for (size_t i = 0; i < server_.listen.size(); ++i) {
      if (server_.listen[i].transport != Transport::kDot || (has_cert && has_key)) continue;
      Report(ListenOrigin(i), "listen",
             absl::InvalidArgumentError(
                 absl::StrCat("a tls:// listener needs `listen-cert` and `listen-key`; ",
                              has_cert ? "`listen-key`" : "`listen-cert`", " is not set")));
      return;
    }
    if (has_cert && has_key) {
      ReportCertificate(origins_.Of("listen-cert"), "listen-cert", server_.listen_certificate_file,
                        server_.listen_key_file);
    }
  }

  void ReportCertificate(const ConfigOrigin& origin, absl::string_view key,
                         const std::string& certificate_file, const std::string& key_file) {
    ReportFiles(origin, key, {certificate_file, key_file},
                [&] { return CheckCertificate(certificate_file, key_file); });
  }

  // Each file or pair of files once, even when several servers share it.
  void CheckUpstreamCredentials() {
    std::set<std::string> stores;
    std::set<std::string> others;
    ForEachServer([&](const UpstreamServerOptions& upstream, const ConfigOrigin& origin,
                      absl::string_view) {
      if (upstream.transport != Transport::kDot) return;
      CheckTrustStore(upstream, origin, stores);
      if (!upstream.certificate_file.empty() &&
          others.insert(absl::StrCat(upstream.certificate_file, "\n", upstream.key_file)).second) {
        ReportCertificate(origin, "cert", upstream.certificate_file, upstream.key_file);
      }
      if (!upstream.pins_file.empty() && others.insert(upstream.pins_file).second) {
        ReportFiles(origin, "pins-file", {upstream.pins_file},
                    [&] { return LoadPins(upstream.pins_file).status(); });
      }
    });
  }

  // Visits each server with its place and its setting.
  void ForEachServer(absl::FunctionRef<void(const UpstreamServerOptions&, const ConfigOrigin&,
                                            absl::string_view key)>
                         visit) const {
    size_t index = 0;
    for (const UpstreamZoneOptions& zone : server_.upstream.zones) {
      for (const UpstreamServerOptions& upstream : zone.servers) {
        visit(upstream, origins_.OfElement("upstream", index++), "upstream");
      }
    }
    for (size_t i = 0; i < server_.upstream.bootstrap.size(); ++i) {
      visit(server_.upstream.bootstrap[i], origins_.OfElement("bootstrap", i), "bootstrap");
    }
  }

  void CheckTrustStore(const UpstreamServerOptions& upstream, const ConfigOrigin& upstream_origin,
                       std::set<std::string>& seen) {
    const bool own = !upstream.ca_file.empty();
    const std::string& file = own ? upstream.ca_file : server_.upstream_ca_file;
    if (!seen.insert(file).second) return;
    ReportFiles(own ? upstream_origin : origins_.Of("upstream-ca"), own ? "ca" : "upstream-ca",
                {file.empty() ? kSystemTrustFile : file}, [&] {
                  return file.empty() ? TlsClientCredentials::FromSystem().status()
                                      : TlsClientCredentials::FromFile(file).status();
                });
  }

  void CheckOutgoing() {
    const OutgoingOptions& outgoing = server_.upstream.limits.outgoing;
    size_t index = 0;
    for (const auto& source : {outgoing.source_v4, outgoing.source_v6}) {
      const size_t family = index++;
      if (!source.has_value()) continue;
      Report(origins_.OfElement("upstream-source", family), "upstream-source",
             CheckSource(*source));
    }
    Report("upstream-mark", CheckMark(outgoing.mark));
  }

  void CheckLocalData() {
    const LoadedLocalData data = LoadLocalData(server_.local_data);
    for (const LocalDataError& error : data.errors) {
      if (!error.place.empty()) {
        errors_.push_back({error.place, "hosts-file", error.message});
      } else if (error.record >= 0) {
        const ConfigOrigin origin =
            origins_.OfElement("records", static_cast<size_t>(error.record));
        errors_.push_back({origin, "records", error.message});
      } else {
        const absl::string_view key = origins_.IsSet("records") ? "records" : "hosts-file";
        errors_.push_back({origins_.Of(key), std::string(key), error.message});
      }
    }
  }

  // A query that is forwarded to an own listener comes back until every table is full.
  void CheckOwnListeners() {
    ForEachServer([this](const UpstreamServerOptions& upstream, const ConfigOrigin& origin,
                         absl::string_view key) {
      if (!upstream.has_address()) return;
      const ListenOptions* own =
          FindOwnListener(upstream.endpoint, upstream.transport, server_.listen);
      if (own != nullptr) {
        Report(origin, key,
               absl::InvalidArgumentError(
                   absl::StrCat(upstream.endpoint.ToString(), " is this program's own listener ",
                                own->endpoint.ToString(), "; name another server")));
      }
    });
  }

  const LoadedConfig& loaded_;
  const ServerOptions& server_;
  const Config& config_;
  const ConfigOrigins& origins_;
  const bool bind_;
  const InheritedSockets& inherited_;
  const std::optional<std::vector<std::string>> changed_;
  std::vector<ConfigError> errors_;
};

}  // namespace

std::vector<ConfigError> CheckOnMachine(const LoadedConfig& loaded, bool bind,
                                        const InheritedSockets& inherited) {
  return Checker(loaded, bind, inherited).Check();
}

std::vector<ConfigError> CheckForReload(const LoadedConfig& loaded, const Config& running,
                                        bool local_data) {
  return Checker(loaded, /*bind=*/false, {}, ChangedKeys(running, loaded.config)).Check(local_data);
}

std::vector<ConfigError> WarnOfMemory(const LoadedConfig& loaded, const MachineLimits& machine) {
  const uint64_t cache = loaded.config.server.cache.budget_bytes;
  if (cache == 0 || cache + kOtherMemory <= machine.memory_bytes) return {};
  return {{loaded.origins.Of("cache-size"), "cache-size",
           absl::StrCat("warning: ", cache >> 20, " MiB and about ", kOtherMemory >> 20,
                        " MiB for everything else do not fit into ", machine.memory_bytes >> 20,
                        " MiB, which is the ",
                        machine.memory_is_of_group ? "memory limit of the control group"
                                                   : "memory of this machine",
                        "; the kernel may end the process")}};
}

std::vector<ConfigError> WarnOnMachine(const LoadedConfig& loaded) {
  std::vector<ConfigError> warnings = WarnOfMemory(loaded, OwnMachineLimits());
  const std::string& file = loaded.config.server.listen_key_file;
  if (file.empty()) return warnings;
  const absl::StatusOr<int> bits = RsaKeyBits(file);
  if (!bits.ok() || *bits < kExpensiveRsaBits) return warnings;
  warnings.push_back(
      {loaded.origins.Of("listen-key"), "listen-key",
       absl::StrCat("warning: an RSA key of ", *bits,
                    " bits makes a TLS handshake more than 10 times as expensive as a P-256 "
                    "key; use a P-256 key")});
  return warnings;
}

}  // namespace dotcache
