// SPDX-License-Identifier: Apache-2.0
// The servers that resolve the host names of upstream servers.
#ifndef DOTCACHE_UPSTREAM_BOOTSTRAP_H_
#define DOTCACHE_UPSTREAM_BOOTSTRAP_H_

#include <memory>
#include <utility>
#include <vector>

#include "absl/random/random.h"
#include "net/tls/tls_credentials.h"
#include "net/uv_loop.h"
#include "upstream/api/upstream_counters.h"
#include "upstream/connection/socket_connector.h"
#include "upstream/exchange/upstream_manager.h"

namespace dotcache {

// A separate Exchanger for `options.bootstrap`, with the limits of `options`. It queries the first
// server that is up, then the next. It has its own counters and writes no log lines: the resolver
// logs failures. One per worker; bound to the loop's thread.
class Bootstrap {
 public:
  // `credentials` by bootstrap server; null for a server without TLS. The loop outlives the object.
  Bootstrap(UvLoop& loop, const UpstreamOptions& options, SocketConnector::Credentials credentials);

  Exchanger& exchanger() { return manager_; }
  // Connections to come to this bootstrap server are made with these.
  void UseCredentials(int index, std::shared_ptr<const TlsClientCredentials> credentials) {
    connector_.UseCredentials(index, std::move(credentials));
    manager_.OnTrustChanged({index});
  }
  // `change.peers` are bootstrap servers, by their index among these.
  void OnNetworkChange(const NetworkChange& change);
  void Drain() { manager_.Drain(); }

 private:
  absl::BitGen random_;
  std::vector<UpstreamCounters> counters_;
  SocketConnector connector_;
  UpstreamManager manager_;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_BOOTSTRAP_H_
