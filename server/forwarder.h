// SPDX-License-Identifier: Apache-2.0
// Fetches from upstream what the cache cannot answer.
#ifndef DOTCACHE_SERVER_FORWARDER_H_
#define DOTCACHE_SERVER_FORWARDER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "cache/response_cache.h"
#include "core/event_loop.h"
#include "server/client_shares.h"
#include "server/pending_queries.h"
#include "server/reply_writer.h"
#include "upstream/exchanger.h"

namespace dotcache {

// Begins one exchange per key, lets clients with the same question wait for it, keeps what comes
// and answers them; with stale data, where there is some, when nothing came (RFC 8767 section 5). A
// client and its exchange have deadlines of their own: the client is answered at the end of
// `query_timeout` at the latest, in time for its own retry, while the exchange goes on, so that
// this retry joins it or finds its answer in the cache; with stale data at the end of
// `stale_client_timeout`. Bound to its loop's thread.
// Limits: those of PendingQueries and ClientShares. In a full table an exchange that nobody waits
// for makes room; else, and where too many wait for one question, too many queries of one client
// wait or too many of all, the client gets stale data or SERVFAIL.
class Forwarder {
 public:
  // All are shared with others and outlive the forwarder.
  struct Environment {
    EventLoop& loop;
    ResponseCache& cache;
    Exchanger& exchanger;
    ReplyWriter& replies;
    WorkerCounters& counters;
    const ServerLimits& limits;
  };

  explicit Forwarder(const Environment& environment);
  // Cancels what is pending; those clients get no reply.
  ~Forwarder();

  // Lets the client wait for the answer, or for the time to give it `stale` (which may be null).
  // Returns false when it was answered inside the call: it could not be forwarded.
  bool Forward(const Client& client, const CacheKey& key, const CacheEntryRef& stale);

  // Refreshes what is about to expire. Nobody waits, hence it is the first to go at a limit.
  void Prefetch(const Query& query, const CacheKey& key);

  // Clients that wait.
  size_t waiter_count() const { return pending_.waiter_count(); }

 private:
  bool TakeShare(const Client& client, const CacheEntryRef& stale);
  void TurnAway(const Client& client, const CacheEntryRef& stale, Limit limit);
  PendingQueries::JoinResult Join(const CacheKey& key, const Waiter& waiter);
  absl::Status BeginExchange(const Query& query, const CacheKey& key);
  void NoteIfLimit(const absl::Status& status);
  void OnExchangeDone(const CacheKey& key, absl::StatusOr<UpstreamResponse> response);
  void OnTimer();
  void ArmTimer();
  CacheEntryRef NoteFailure(const CacheKey& key, const absl::Status& status,
                            const ExtendedError& error);
  void ReplyAfterFailure(const Client& client, const CacheEntryRef& data,
                         const ExtendedError& error);
  void FinishMiss(const Waiter& waiter);

  const Environment env_;
  PendingQueries pending_;
  ClientShares shares_;           // Of all who wait in `pending_`.
  std::unique_ptr<Timer> timer_;  // For the earliest deadline, or a time before it.
  MonoTime timer_due_;
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_FORWARDER_H_
