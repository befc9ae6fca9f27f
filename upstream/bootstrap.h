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

// An Exchanger of its own over `options.bootstrap`, with the limits of `options`: the first that is
// up is asked, then the next. Counts and logs apart from all others: what cannot be resolved is
// told by the resolver. One per worker; bound to the loop's thread.
class Bootstrap {
 public:
  // `credentials` by bootstrap server; null where it is not asked over TLS. The loop outlives
  // the object.
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
