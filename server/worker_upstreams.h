// SPDX-License-Identifier: Apache-2.0
// The upstream side of a worker that owns names.
#ifndef DOTCACHE_SERVER_WORKER_UPSTREAMS_H_
#define DOTCACHE_SERVER_WORKER_UPSTREAMS_H_

#include <memory>
#include <vector>

#include "absl/random/random.h"
#include "answer/worker_counters.h"
#include "core/line_limit.h"
#include "net/network_watch.h"
#include "server/credential_store.h"
#include "server/upstream_notes.h"
#include "server/upstream_plan.h"
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
  // All of these must outlive this object, except `credentials`. Worker 0 of a process also logs
  // changes of state, counts changes of the network and probes for forwarding loops.
  struct Environment {
    UvLoop& loop;
    std::shared_ptr<const UpstreamPlan> plan;
    const Credentials& credentials;  // By server of the plan.
    int worker;                      // Its number.
    LoopWatch& loops;
    WorkerCounters& worker_counters;
    NoteQueue* query_log;  // Null if it is off.
  };

  explicit WorkerUpstreams(const Environment& environment);

  Exchanger& exchanger() { return manager_; }
  void Start();
  // Queries the servers of this plan from now on. Servers that are not in it end as drained ones.
  void Use(std::shared_ptr<const UpstreamPlan> plan, const Credentials& credentials);
  void UseCredentials(const Credentials& credentials, const CredentialChange& change);
  void UseProvider(absl::string_view name, bool use) { manager_.UseProvider(name, use); }
  NameExplanation Explain(const DomainName& name) const { return manager_.Explain(name); }
  void StopProbing() { loop_prober_.Stop(); }
  // Takes no new exchanges, and closes connections when they become idle.
  void Drain();

 private:
  std::vector<NumberedServer> Numbered() const;
  void MakeBootstrap(const Credentials& credentials);
  void GiveCredentials(const std::vector<int>& known, const Credentials& credentials);
  void UseLoopProber();
  std::vector<Endpoint> Peers() const;
  void WatchNetwork();
  void OnAddresses();
  void OnNetworkChange(const NetworkChange& change);

  UvLoop& loop_;
  std::shared_ptr<const UpstreamPlan> plan_;
  // Earlier plans whose servers may still have connections.
  std::vector<std::shared_ptr<const UpstreamPlan>> former_plans_;
  const int worker_;
  WorkerCounters& worker_counters_;
  const bool first_;
  absl::BitGen random_;
  std::unique_ptr<Bootstrap> bootstrap_;  // Null without bootstrap servers.
  UpstreamNotes notes_;
  SocketConnector connector_;
  UpstreamManager manager_;
  LoopProber loop_prober_;
  LineLimit change_lines_;
  std::unique_ptr<NetworkWatch> network_watch_;  // Null if it could not be opened.
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_WORKER_UPSTREAMS_H_
