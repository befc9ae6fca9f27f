// SPDX-License-Identifier: Apache-2.0
// Certificates, keys, trust and pins of the process, read again when their files change.
#ifndef DOTCACHE_SERVER_CREDENTIAL_STORE_H_
#define DOTCACHE_SERVER_CREDENTIAL_STORE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/counters.h"
#include "net/tls_credentials.h"
#include "server/file_watch.h"
#include "server/server_options.h"

namespace dotcache {

// What connections are made with: immutable parts, shared by all workers.
struct Credentials {
  // By server index, counted through the zones and on through the bootstrap servers; null for
  // servers that are not asked over TLS.
  std::vector<std::shared_ptr<const TlsClientCredentials>> upstreams;
  std::shared_ptr<const TlsServerCredentials> listen;  // Null without DoT listeners.
};

// Which of them are new.
struct CredentialChange {
  std::vector<int> upstreams;  // Server indexes.
  bool listen = false;
  bool empty() const { return upstreams.empty() && !listen; }
};

// Owns the latest that could be read. Files that belong together (CA, certificate, key and pins of
// a server; certificate and key of the listeners) are read together or not at all: when one is
// broken, half-written, no regular file or does not fit the others, what was read before stays in
// use and the files are tried again at the next look. Servers with the same files share one object.
// For main's thread; the counters may be read from any.
class CredentialStore {
 public:
  // Reads everything; the error names the file.
  static absl::StatusOr<std::unique_ptr<CredentialStore>> Load(const ServerOptions& options);

  const Credentials& current() const { return current_; }

  // Reads again what has changed, logs success and, once for each change, failure, and returns what
  // is new. Without a change it costs a stat() for each file; with one, milliseconds.
  CredentialChange Refresh();

  const Counter& reloads() const { return reloads_; }
  const Counter& failed_reloads() const { return failed_reloads_; }

 private:
  // Files that are read together.
  struct Source {
    TlsClientFiles files;      // `certificate` and `key` alone, where they are the listeners'.
    std::vector<int> servers;  // Empty: the listeners'.
    FileWatch watch;
    std::string complaint;  // Why the latest reading failed; empty: it did not.
  };

  CredentialStore() = default;
  absl::Status Read(const Source& source);

  std::vector<Source> sources_;
  Credentials current_;
  Counter reloads_;
  Counter failed_reloads_;
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_CREDENTIAL_STORE_H_
