// SPDX-License-Identifier: Apache-2.0
// One thread that serves clients.
#ifndef DOTCACHE_SERVER_WORKER_H_
#define DOTCACHE_SERVER_WORKER_H_

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "answer/handoff_board.h"
#include "answer/worker_counters.h"
#include "cache/response_cache.h"
#include "net/unique_fd.h"
#include "query_log/query_log.h"
#include "server/credential_store.h"
#include "server/gateway_watch.h"
#include "server/handshake_rate.h"
#include "server/server_options.h"
#include "server/serving_rules.h"
#include "server/stream_shares.h"
#include "server/upstream_plan.h"
#include "upstream/exchange/explanation.h"
#include "upstream/pool/loop_watch.h"

namespace dotcache {

class UvLoop;

// The bound sockets of one worker before they are served.
struct WorkerSockets {
  struct Item {
    ListenOptions listen;
    UniqueFd fd;
    // True: another process continues with the socket, so what arrives after the stop stays in it.
    bool inherited = false;
  };
  std::vector<Item> items;
};

// Owns a thread. An event loop, the listeners, the query handler, the upstream side and all
// connections are created, used and destroyed on that thread. The public functions may be called
// only by the thread that owns the worker. Workers share the cache, which has locks, and immutable
// objects.
class Worker {
 public:
  // The objects that all workers share. They must outlive the workers.
  struct Shared {
    ResponseCache& cache;
    std::shared_ptr<const ServingRules> rules;  // Those of the start; null after it.
    const ServerOptions& options;               // Those of the start.
    // Workers read this only during Start(), because main's thread changes it later.
    const CredentialStore& credentials;
    const CurrentPlan& plan;
    LoopWatch& loops;
    HandoffBoard& handoff;
    StreamShares& streams;
    HandshakeRate& handshakes;
    ReplyRate& reply_rate;
    TopQueries& top;
    std::unique_ptr<GatewayWatch> gateways;
    QueryLog* query_log;  // Null if it is off.
  };

  // Only this worker writes `counters`. The first workers (ServerOptions::upstream_workers) have
  // upstream servers. Worker 0 also removes expired cache entries.
  Worker(const Shared& shared, int index, WorkerSockets sockets, WorkerCounters& counters);
  ~Worker();

  // Starts the thread. Returns when it serves, or an error if it cannot.
  absl::Status Start();

  // Uses the new credentials for new connections. Connections with credentials that are no longer
  // valid get no new queries.
  // REQUIRES: Start() succeeded and Stop() was not called.
  void UseCredentials(const Credentials& credentials, const CredentialChange& change);

  // Serves by these rules, and queries the servers of this plan, from a later turn on.
  // `credentials` are for the plan's servers.
  // REQUIRES: Start() succeeded and Stop() was not called.
  void Use(std::shared_ptr<const ServingRules> rules, std::shared_ptr<const UpstreamPlan> plan,
           const Credentials& credentials);

  // Queries the servers of this provider, or no longer. REQUIRES: as for Use(), and the worker
  // has upstream servers.
  void UseProvider(const std::string& name, bool use);

  // Serves as before. Quiet() becomes ready at the first moment without waiting clients.
  void AwaitQuiet();

  // Receives what has arrived and closes the listeners. Drained() becomes ready when every client
  // has its reply and all sessions have ended.
  void BeginDrain();

  // Replies to the clients that still wait, with stale data or SERVFAIL.
  void AnswerWaiting();

  // Returns true if the loop has had a turn since the previous call. The first call returns true.
  bool HadTurn();

  // Explains how this worker would forward a query for `name`. Waits for a turn of its loop.
  // REQUIRES: this worker has upstream servers, Start() has returned, and Stop() is not called
  // during the call.
  NameExplanation Explain(const DomainName& name) const;

  // REQUIRES: AwaitQuiet() was called.
  std::future<void>& Quiet() { return quiet_future_; }

  // Becomes ready when the drain is complete.
  // REQUIRES: BeginDrain() was called.
  std::future<void>& Drained() { return drained_future_; }

  // Stops at once and joins the thread. A second call does nothing.
  void Stop();

 private:
  class Services;

  void RunThread(std::promise<absl::Status> started);

  const Shared& shared_;
  const int index_;
  WorkerSockets sockets_;
  WorkerCounters& counters_;
  std::promise<void> quiet_;
  std::future<void> quiet_future_;
  std::promise<void> drained_;
  std::future<void> drained_future_;
  std::atomic<bool> had_turn_{true};
  // Both live on the thread, from Start()'s return to Stop()'s return.
  UvLoop* loop_ = nullptr;
  Services* services_ = nullptr;
  std::thread thread_;
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_WORKER_H_
