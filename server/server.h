// SPDX-License-Identifier: Apache-2.0
// The process's serving part: cache, credentials and workers.
#ifndef DOTCACHE_SERVER_SERVER_H_
#define DOTCACHE_SERVER_SERVER_H_

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cache/response_cache.h"
#include "core/mutex.h"
#include "local/local_names.h"
#include "server/access_policy.h"
#include "server/credential_store.h"
#include "server/server_options.h"
#include "server/worker.h"
#include "server/worker_counters.h"
#include "upstream/loop_watch.h"
#include "upstream/upstream_counters.h"

namespace dotcache {

// Owns everything that serves. Made, drained and destroyed on one thread (main's); the read-only
// functions are safe from any thread while it lives. Nothing is half-configured: Create() loads
// every certificate and binds every socket of every worker, or fails naming file or endpoint.
class Server {
 public:
  // Serves nothing yet; queries that arrive wait in the sockets.
  static absl::StatusOr<std::unique_ptr<Server>> Create(const ServerOptions& options);

  // Stops at once when Shutdown() was not called.
  ~Server();

  // Starts the workers' threads and returns once all of them serve.
  absl::Status Start();

  // True from when an upstream server of the root zone has been connected to and authenticated,
  // until Shutdown().
  bool ready() const;

  // Looks whether certificates, keys, CA and pins files have changed, and has the workers use what
  // is new: connections made with what was before take no new query. To be called every few
  // seconds, or when the operator says so. REQUIRES: Start() was called.
  void ReloadCredentials();

  // Stops accepting, answers what is in flight, for at most limits.drain_timeout, then stops the
  // workers and joins their threads. A second call does nothing.
  void Shutdown();

  // What is bound: transports and endpoints, with the ports that port 0 became.
  const std::vector<ListenOptions>& listeners() const { return listeners_; }

  const ServerOptions& options() const { return options_; }
  // All upstream servers, in the order of the counters' elements.
  const std::vector<UpstreamServerOptions>& upstream_servers() const { return upstream_servers_; }
  size_t local_record_count() const;

  int worker_count() const { return options_.workers; }
  const WorkerCounters& worker_counters(int worker) const;
  absl::Span<const UpstreamCounters> upstream_counters(int worker) const;
  const ResponseCache& cache() const { return cache_; }
  const CredentialStore& credentials() const { return *credentials_; }

  // What the first worker would do with a query for this name, and why; nullopt before Start() and
  // from Shutdown() on.
  std::optional<NameExplanation> Explain(const DomainName& name) const;

 private:
  // What one worker counts.
  struct CounterBoard {
    explicit CounterBoard(size_t upstream_count) : upstreams(upstream_count) {}
    WorkerCounters worker;
    std::vector<UpstreamCounters> upstreams;
  };

  explicit Server(const ServerOptions& options);
  absl::Status LoadLocalNames();
  absl::Status LoadCredentials();
  absl::Status BindListeners();

  const ServerOptions options_;
  ResponseCache cache_;
  const AccessPolicy access_;
  std::unique_ptr<const LocalNames> local_names_;  // Null: nothing is answered here.
  const OwnAnswers own_answers_;
  std::optional<ClientCookies> cookies_;  // Set by LoadCredentials().
  const std::vector<UpstreamServerOptions> upstream_servers_;
  std::vector<ProbeGate> probe_gates_;  // By server index, for all workers.
  LoopWatch loops_;
  std::unique_ptr<CredentialStore> credentials_;  // Set by LoadCredentials(), too.
  std::vector<ListenOptions> listeners_;
  std::vector<std::unique_ptr<CounterBoard>> counters_;
  std::vector<WorkerSockets> sockets_;  // Until Start() hands them to the workers.
  std::unique_ptr<const Worker::Shared> shared_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::atomic<bool> stopping_{false};
  mutable Mutex running_mutex_;
  bool running_ ABSL_GUARDED_BY(running_mutex_) = false;  // The workers' loops take tasks.
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_SERVER_H_
