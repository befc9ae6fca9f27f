// SPDX-License-Identifier: Apache-2.0
// One thread that serves.
#ifndef DOTCACHE_SERVER_WORKER_H_
#define DOTCACHE_SERVER_WORKER_H_

#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "cache/response_cache.h"
#include "local/local_names.h"
#include "net/unique_fd.h"
#include "server/access_policy.h"
#include "server/client_cookies.h"
#include "server/credential_store.h"
#include "server/own_answers.h"
#include "server/server_options.h"
#include "server/worker_counters.h"
#include "upstream/explanation.h"
#include "upstream/loop_watch.h"
#include "upstream/probe_gate.h"
#include "upstream/upstream_counters.h"

namespace dotcache {

class UvLoop;

// The sockets of one worker, bound and not yet served.
struct WorkerSockets {
  struct Item {
    ListenOptions listen;
    UniqueFd fd;
  };
  std::vector<Item> items;
};

// Owns a thread and, on it, an event loop with listeners, query handler, upstream manager and
// connections: all of that lives and dies on that thread. The public functions are for the
// thread that owns the worker. Workers share the cache, which locks, and what never changes.
class Worker {
 public:
  // What workers share; all of it outlives them.
  struct Shared {
    ResponseCache& cache;
    const AccessPolicy& access;
    const LocalNames* local_names;  // Null: nothing is answered here.
    const ServerOptions& options;
    const CredentialStore& credentials;  // Looked at during Start() alone: it changes.
    const ClientCookies& cookies;
    const OwnAnswers& own_answers;
    absl::Span<ProbeGate> probe_gates;  // By server index.
    LoopWatch& loops;
  };

  // `counters` and `upstream_counters` are this worker's alone to write. The first worker also logs
  // upstream state changes, sweeps the cache and looks for forwarding loops, once for all.
  Worker(const Shared& shared, int index, WorkerSockets sockets, WorkerCounters& counters,
         absl::Span<UpstreamCounters> upstream_counters);
  ~Worker();

  // Starts the thread; returns once it serves, or why it cannot.
  absl::Status Start();

  // Has connections to come made with these, and takes those out of use that were made with what
  // is no longer valid. REQUIRES: started and not stopped.
  void UseCredentials(const Credentials& credentials, const CredentialChange& change);

  // Stops accepting after what has already arrived, and resolves Drained() when nothing is in
  // flight.
  void BeginDrain();

  // What this worker would do with a query for the name. Waits for a turn of its loop.
  // REQUIRES: Start() has returned, and Stop() is not called meanwhile.
  NameExplanation Explain(const DomainName& name) const;

  // REQUIRES: BeginDrain() was called.
  std::future<void>& Drained() { return drained_future_; }

  // Stops at once and joins the thread. Idempotent.
  void Stop();

 private:
  class Services;

  void RunThread(std::promise<absl::Status> started);

  const Shared& shared_;
  const int index_;
  WorkerSockets sockets_;
  WorkerCounters& counters_;
  const absl::Span<UpstreamCounters> upstream_counters_;
  std::promise<void> drained_;
  std::future<void> drained_future_;
  // Both belong to the thread; valid from Start()'s return to Stop()'s.
  UvLoop* loop_ = nullptr;
  Services* services_ = nullptr;
  std::thread thread_;
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_WORKER_H_
