// SPDX-License-Identifier: Apache-2.0
// The upstream side of a worker that owns names.
#ifndef DOTCACHE_SERVER_WORKER_UPSTREAMS_H_
#define DOTCACHE_SERVER_WORKER_UPSTREAMS_H_

#include <memory>
#include <vector>

#include "absl/random/random.h"
#include "absl/types/span.h"
#include "answer/worker_counters.h"
#include "net/network_watch.h"
#include "server/credential_store.h"
#include "upstream/api/upstream_counters.h"
#include "upstream/api/upstream_options.h"
#include "upstream/bootstrap.h"
#include "upstream/connection/socket_connector.h"
#include "upstream/exchange/upstream_manager.h"
#include "upstream/pool/loop_prober.h"
#include "upstream/pool/loop_watch.h"

namespace dotcache {

class UvLoop;

// Owns what a worker needs to query upstream servers: connections, the choice of server, the
// resolution of host names, loop probes and the watch of the network. Bound to its loop's thread.
class WorkerUpstreams {
 public:
  // All of these must outlive this object, except `credentials`.
  struct Environment {
    UvLoop& loop;
    const UpstreamOptions& options;
    const Credentials& credentials;
    absl::Span<UpstreamCounters> counters;  // By server index, for this worker alone.
    LoopWatch& loops;
    WorkerCounters& worker_counters;
    // One worker of a process also logs changes of state, counts changes of the network and probes
    // for forwarding loops.
    bool first;
  };

  explicit WorkerUpstreams(const Environment& environment);

  Exchanger& exchanger() { return manager_; }
  void Start();
  void UseCredentials(const Credentials& credentials, const CredentialChange& change);
  void UseProvider(absl::string_view name, bool use) { manager_.UseProvider(name, use); }
  NameExplanation Explain(const DomainName& name) const { return manager_.Explain(name); }
  void StopProbing() { loop_prober_.Stop(); }
  // Takes no new exchanges, and closes connections when they become idle.
  void Drain();

 private:
  std::vector<Endpoint> Peers() const;
  void WatchNetwork();
  void OnAddresses();
  void OnNetworkChange(const NetworkChange& change);

  UvLoop& loop_;
  const UpstreamOptions& options_;
  const size_t server_count_;  // Of all zones, without the bootstrap servers.
  WorkerCounters& worker_counters_;
  const bool first_;
  absl::BitGen random_;
  std::unique_ptr<Bootstrap> bootstrap_;  // Null without bootstrap servers.
  SocketConnector connector_;
  UpstreamManager manager_;
  LoopProber loop_prober_;
  std::unique_ptr<NetworkWatch> network_watch_;  // Null if it could not be opened.
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_WORKER_UPSTREAMS_H_
