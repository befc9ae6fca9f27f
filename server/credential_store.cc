// SPDX-License-Identifier: Apache-2.0
#include "server/credential_store.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_join.h"
#include "core/log.h"
#include "core/status_macros.h"

namespace dotcache {
namespace {

TlsClientFiles FilesOf(const UpstreamServerOptions& server, const ServerOptions& options) {
  return {.ca = server.ca_file.empty() ? options.upstream_ca_file : server.ca_file,
          .certificate = server.certificate_file,
          .key = server.key_file,
          .pins = server.pins_file};
}

std::vector<std::string> PathsOf(const TlsClientFiles& files, bool with_ca) {
  std::vector<std::string> paths;
  if (with_ca) paths.push_back(files.ca.empty() ? kSystemTrustFile : files.ca);
  for (const std::string* path : {&files.certificate, &files.key, &files.pins}) {
    if (!path->empty()) paths.push_back(*path);
  }
  return paths;
}

bool HasDotListener(const ServerOptions& options) {
  return std::any_of(options.listen.begin(), options.listen.end(), [](const ListenOptions& listen) {
    return listen.transport == Transport::kDot;
  });
}

}  // namespace

absl::StatusOr<std::unique_ptr<CredentialStore>> CredentialStore::Load(
    const ServerOptions& options, const CredentialStore* previous) {
  std::map<TlsClientFiles, std::vector<int>> servers_by_files;
  int index = 0;
  for (const UpstreamZoneOptions& zone : options.upstream.zones) {
    for (const UpstreamServerOptions& server : zone.servers) {
      if (server.transport == Transport::kDot) {
        servers_by_files[FilesOf(server, options)].push_back(index);
      }
      ++index;
    }
  }
  for (const UpstreamServerOptions& server : options.upstream.bootstrap) {
    if (server.transport == Transport::kDot) {
      servers_by_files[FilesOf(server, options)].push_back(index);
    }
    ++index;
  }
  auto store = std::unique_ptr<CredentialStore>(new CredentialStore());
  store->current_.upstreams.resize(static_cast<size_t>(index));
  for (auto& [files, servers] : servers_by_files) {
    store->sources_.push_back(
        {files, std::move(servers), FileWatch(PathsOf(files, /*with_ca=*/true)), ""});
  }
  if (HasDotListener(options)) {
    const TlsClientFiles files = {.ca = "",
                                  .certificate = options.listen_certificate_file,
                                  .key = options.listen_key_file,
                                  .pins = ""};
    store->sources_.push_back({files, {}, FileWatch(PathsOf(files, /*with_ca=*/false)), ""});
  }
  for (Source& source : store->sources_) {
    if (previous != nullptr && store->CopyFrom(*previous, source)) continue;
    RETURN_IF_ERROR(store->Read(source));
  }
  return store;
}

// False if there is no such source.
bool CredentialStore::CopyFrom(const CredentialStore& previous, Source& source) {
  for (const Source& other : previous.sources_) {
    if (other.files != source.files || other.servers.empty() != source.servers.empty()) continue;
    source.watch = other.watch;
    source.complaint = other.complaint;
    if (source.servers.empty()) current_.listen = previous.current_.listen;
    for (const int index : source.servers) {
      current_.upstreams[static_cast<size_t>(index)] =
          previous.current_.upstreams[static_cast<size_t>(other.servers.front())];
    }
    return true;
  }
  return false;
}

void CredentialStore::TakeOver(CredentialStore&& next) {
  sources_ = std::move(next.sources_);
  current_ = std::move(next.current_);
}

absl::Status CredentialStore::Read(const Source& source) {
  RETURN_IF_ERROR(source.watch.CheckRegular());
  if (source.servers.empty()) {
    ASSIGN_OR_RETURN(current_.listen,
                     TlsServerCredentials::FromFiles(source.files.certificate, source.files.key));
    listen_expiry_.Set(static_cast<uint64_t>(current_.listen->certificate_expiry()));
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const std::shared_ptr<const TlsClientCredentials> loaded,
                   TlsClientCredentials::Load(source.files));
  for (const int index : source.servers) current_.upstreams[static_cast<size_t>(index)] = loaded;
  return absl::OkStatus();
}

CredentialChange CredentialStore::Refresh() {
  CredentialChange change;
  for (Source& source : sources_) {
    const bool changed = source.watch.Changed();
    if (!changed && source.complaint.empty()) continue;
    const absl::Status status = Read(source);
    if (!status.ok()) {
      const std::string cause(status.message());
      if (changed || source.complaint != cause) {
        failed_reloads_.Add();
        Log(LogLevel::kWarn, "credentials not reloaded; the previous ones stay in use",
            {{"cause", cause}});
      }
      source.complaint = cause;
      continue;
    }
    source.complaint.clear();
    reloads_.Add();
    Log(LogLevel::kInfo, "credentials reloaded",
        {{"for", source.servers.empty() ? "listeners" : "upstreams"},
         {"files", absl::StrJoin(source.watch.paths(), ",")}});
    change.listen |= source.servers.empty();
    change.upstreams.insert(change.upstreams.end(), source.servers.begin(), source.servers.end());
  }
  return change;
}

std::vector<std::string> CredentialStore::Files() const {
  std::vector<std::string> files;
  for (const Source& source : sources_) {
    files.insert(files.end(), source.watch.paths().begin(), source.watch.paths().end());
  }
  return files;
}

}  // namespace dotcache
