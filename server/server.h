// SPDX-License-Identifier: Apache-2.0
// The part of the process that serves DNS: cache, credentials and workers.
#ifndef DOTCACHE_SERVER_SERVER_H_
#define DOTCACHE_SERVER_SERVER_H_

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "answer/top_queries.h"
#include "answer/worker_counters.h"
#include "cache/response_cache.h"
#include "core/mutex.h"
#include "server/credential_store.h"
#include "server/handshake_rate.h"
#include "server/inherited_sockets.h"
#include "server/listener_addresses.h"
#include "server/server_options.h"
#include "server/serving_rules.h"
#include "server/snapshot_keeper.h"
#include "server/stream_shares.h"
#include "server/upstream_plan.h"
#include "server/worker.h"
#include "upstream/pool/loop_watch.h"

namespace dotcache {

// Owns the cache, the credentials and the workers. One thread (main's) creates, drains and destroys
// it. Any thread may call the read-only functions during its lifetime. Create() reads every file
// and binds every socket of every worker. An error names the file or the endpoint.
class Server {
 public:
  // Returns a server that does not serve yet. Queries that arrive wait in the sockets. All workers
  // share the inherited socket of an address.
  static absl::StatusOr<std::unique_ptr<Server>> Create(const ServerOptions& options,
                                                        const InheritedSockets& inherited = {});

  // Stops the workers at once if Shutdown() was not called.
  ~Server();

  // Starts the workers' threads. Returns when all of them serve.
  absl::Status Start();

  // Returns true from the first authenticated connection to an upstream server of the root zone
  // until the stop is announced.
  bool ready() const;

  // Serves by the rules of `options` (ServingRules) from now on, with its upstream servers and
  // certificates. Keeps the cache, except the names of zones whose servers have changed, the
  // connections of clients, and those to upstream servers that stay. An error changes nothing.
  // REQUIRES: Start() was called.
  absl::Status Reload(const ServerOptions& options);

  // Queries the servers of this provider, or no longer. REQUIRES: Start() was called.
  void UseProvider(const std::string& name, bool use);

  // Notes the result of a reload for metrics, and opens the file of the query log again.
  void NoteReload(bool ok);
  bool last_reload_ok() const { return last_reload_ok_.load(std::memory_order_relaxed); }
  uint64_t reloads(bool ok) const { return (ok ? reloads_ : failed_reloads_).value(); }
  // Reads the certificate, key, CA and pins files that changed, and gives the new credentials to
  // the workers. Connections that use the old credentials get no new queries. Frees former rules.
  // The owner calls this every few seconds and on SIGHUP. REQUIRES: Start() was called.
  void ReloadCredentials();

  ListenerAddresses& addresses() { return addresses_; }  // To Check() every few seconds.
  const ListenerAddresses& addresses() const { return addresses_; }
  // Returns true if all workers have had a turn since the previous call. The first call returns
  // true. REQUIRES: Start() was called and Shutdown() was not.
  bool WorkersHadTurn();
  // Announces the stop: from now on ready() is false. Everything else goes on.
  void AnnounceStop() { stopping_ = true; }
  // Announces the stop, serves until a moment without waiting clients, receives the queries that
  // have arrived, closes the sockets, answers the last queries and ends the workers' threads. Takes
  // at most `drain_timeout` and `last_replies_timeout` of ServerTuning. May be called twice.
  void Shutdown();

  // The bound transports and endpoints. Port 0 is replaced by the port that the kernel chose.
  const std::vector<ListenOptions>& listeners() const { return listeners_; }
  const ServerOptions& options() const { return options_; }  // Those of the start.
  // The upstream servers now, with their counters. A reader looks at one plan only.
  std::shared_ptr<const UpstreamPlan> upstreams() const { return plan_.Get(); }
  size_t local_record_count() const;
  std::shared_ptr<const ServingRules> rules() const { return rules_.Get(); }
  TopQueries& top() { return top_; }
  int worker_count() const { return options_.workers; }
  int upstream_worker_count() const { return options_.upstream_workers; }  // The first ones.
  const WorkerCounters& worker_counters(int worker) const;
  const ResponseCache& cache() const { return cache_; }
  ResponseCache& cache() { return cache_; }
  const SnapshotKeeper& snapshot() const { return snapshot_; }
  uint64_t query_log_drops() const { return query_log_ == nullptr ? 0 : query_log_->drops(); }
  const CredentialStore& credentials() const { return *credentials_; }
  // Explains how the worker that owns `name` would forward a query for it. Returns std::nullopt
  // before Start() and after Shutdown().
  std::optional<NameExplanation> Explain(const DomainName& name) const;

 private:
  explicit Server(const ServerOptions& options);
  absl::Status LoadCredentials();
  void FlushChangedZones(const UpstreamPlan& before, const UpstreamPlan& after);
  void FlushFormerZones();
  absl::Status BindListeners(const InheritedSockets& inherited);
  absl::Status ShareSocket(const InheritedSocket& socket, const ListenOptions& listen);
  // Waits until all workers are drained. Returns false if one is not.
  bool AwaitDrained(MonoTime deadline);

  struct FormerZone {
    DomainName name;
    MonoTime until;  // When exchanges at its former servers have ended.
  };
  const ServerOptions options_;
  ResponseCache cache_;
  CurrentRules rules_;
  CurrentPlan plan_;
  LoopWatch loops_;
  mutable HandoffBoard handoff_;
  StreamShares streams_;
  HandshakeRate handshakes_;
  ReplyRate reply_rate_;
  TopQueries top_;
  SnapshotKeeper snapshot_;
  std::unique_ptr<QueryLog> query_log_;           // Null if it is off.
  std::unique_ptr<CredentialStore> credentials_;  // Set by LoadCredentials().
  std::vector<ListenOptions> listeners_;
  ListenerAddresses addresses_;
  std::vector<std::unique_ptr<WorkerCounters>> counters_;  // By worker.
  std::vector<WorkerSockets> sockets_;  // By worker. Start() moves them to the workers.
  std::unique_ptr<Worker::Shared> shared_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<FormerZone> former_zones_;
  std::atomic<bool> was_ready_{false};  // At the latest reload.
  std::atomic<bool> stopping_{false};
  bool shut_down_ = false;
  std::atomic<bool> last_reload_ok_{true};
  Counter reloads_;  // Successful ones.
  Counter failed_reloads_;
  mutable Mutex running_mutex_;
  // True while the workers' loops accept tasks.
  bool running_ ABSL_GUARDED_BY(running_mutex_) = false;
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_SERVER_H_
