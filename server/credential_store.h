// SPDX-License-Identifier: Apache-2.0
// The certificates, keys, CA files and pins of the process.
#ifndef DOTCACHE_SERVER_CREDENTIAL_STORE_H_
#define DOTCACHE_SERVER_CREDENTIAL_STORE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/counters.h"
#include "net/tls/tls_credentials.h"
#include "server/file_watch.h"
#include "server/server_options.h"

namespace dotcache {

// The credentials for new connections. Each part is immutable and shared by all workers.
struct Credentials {
  // By server index: first the servers of all zones, then the bootstrap servers. Null for servers
  // that are not queried over TLS.
  std::vector<std::shared_ptr<const TlsClientCredentials>> upstreams;
  std::shared_ptr<const TlsServerCredentials> listen;  // Null when there is no DoT listener.
};

// The credentials that Refresh() replaced.
struct CredentialChange {
  std::vector<int> upstreams;  // Server indexes.
  bool listen = false;
  bool empty() const { return upstreams.empty() && !listen; }
};

// Owns the latest credentials that were read without error. Files that belong together are one
// source:
// - the CA, certificate, key and pins files of a server;
// - the certificate and key of the listeners.
// A source is replaced as a whole or not at all. It keeps its previous credentials in these cases:
// - a file is missing, broken, half written or not a regular file;
// - the files do not fit together.
// Refresh() then reads it again on each call. Servers with the same files share one object. For
// main's thread only; any thread may read the counters.
class CredentialStore {
 public:
  // Reads all files. An error names the file. Files that `previous` has are not read again: its
  // credentials are used. It may be null.
  static absl::StatusOr<std::unique_ptr<CredentialStore>> Load(
      const ServerOptions& options, const CredentialStore* previous = nullptr);

  // Has the credentials of `next` from now on, and goes on counting.
  void TakeOver(CredentialStore&& next);

  const Credentials& current() const { return current_; }

  // Reads the sources whose files changed and returns which credentials are new. Logs each success,
  // and each failure once per change. A call costs one stat() per file, and some milliseconds after
  // a change.
  CredentialChange Refresh();

  // The files whose changes Refresh() notices.
  std::vector<std::string> Files() const;

  // Unix time at which the listeners' certificate chain expires. 0: there is none. A gauge.
  const Counter& listen_expiry() const { return listen_expiry_; }
  const Counter& reloads() const { return reloads_; }
  const Counter& failed_reloads() const { return failed_reloads_; }

 private:
  // Files that are read together.
  struct Source {
    TlsClientFiles files;      // A listener source has only `certificate` and `key`.
    std::vector<int> servers;  // Empty for the listeners' source.
    FileWatch watch;
    std::string complaint;  // Why the last read failed. Empty after a success.
  };

  CredentialStore() = default;
  absl::Status Read(const Source& source);
  bool CopyFrom(const CredentialStore& previous, Source& source);

  std::vector<Source> sources_;
  Credentials current_;
  Counter listen_expiry_;
  Counter reloads_;
  Counter failed_reloads_;
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_CREDENTIAL_STORE_H_
