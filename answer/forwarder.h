// SPDX-License-Identifier: Apache-2.0
// Forwards the queries that the cache cannot answer.
#ifndef DOTCACHE_ANSWER_FORWARDER_H_
#define DOTCACHE_ANSWER_FORWARDER_H_

#include <memory>
#include <utility>
#include <vector>

#include "answer/alias_follower.h"
#include "answer/answer_times.h"
#include "answer/pending_queries.h"
#include "answer/reply_writer.h"
#include "cache/response_cache.h"
#include "core/event_loop.h"
#include "upstream/api/exchanger.h"

namespace dotcache {

// The limits of an owner's table.
PendingLimits PendingLimitsFor(const ServerLimits& limits);

// Begins one exchange per key and stores the response. All clients with the same key wait for that
// exchange. If it fails, they get stale data if there is any (RFC 8767 section 5), or else
// SERVFAIL.
//
// Where an alias leads to another zone, more exchanges follow (AliasFollower), within the deadline
// of the first.
//
// A client and its exchange have separate deadlines. A client is answered after `query_timeout` at
// the latest, before it retries. If there is stale data, it is answered after
// `stale_client_timeout`. The exchange goes on after that. A retry joins the exchange or finds its
// response in the cache.
//
// Bound to its loop's thread. Limits: those of PendingQueries. At a limit the client gets stale
// data or SERVFAIL. So does a client that makes room for another one, at the end of the turn. When
// the table of keys is full, an exchange without waiting clients makes room first.
class Forwarder : private TurnEndHook {
 public:
  // All of these are shared and must outlive the forwarder.
  struct Environment {
    EventLoop& loop;
    ResponseCache& cache;
    Exchanger& exchanger;
    ReplyWriter& replies;
    WorkerCounters& counters;
    const ServerLimits& limits;
    const LocalNames* local_names = nullptr;  // Null if there are none.
    const ZoneNames* zones = nullptr;         // Null if no zone has servers of its own.
    AnswerTimes* answer_times = nullptr;      // Null: a remembered failure stays for its time.
    const NoteQueue* query_log = nullptr;     // Null if it is off.
  };

  explicit Forwarder(const Environment& environment);
  // Cancels all exchanges. Their clients get no reply.
  ~Forwarder() override;

  // Replaces these parts of Environment. The limits may have changed.
  void UseRules(const LocalNames* local_names, const ZoneNames* zones, AnswerTimes* answer_times);

  // Lets the client wait for the exchange of `key`. `stale` is the stale data for the key, or null.
  // `received_at` is when the query arrived. Returns false if the query could not be forwarded. The
  // reply was then sent inside the call.
  bool Forward(const Client& client, const CacheKey& key, const CacheEntryRef& stale,
               MonoTime received_at);

  // The same for a query that another worker handed over. If the cache has its answer by now, the
  // reply is sent inside the call.
  void ForwardHanded(const Client& client, const CacheKey& key, const CacheEntryRef& stale,
                     MonoTime received_at);

  // Refreshes an entry that is about to expire. No client waits for this exchange, so it is the
  // first to be dropped at a limit.
  void Prefetch(const Query& query, const CacheKey& key);

  // Replies to all waiting clients now, and to later ones at once, with stale data or SERVFAIL,
  // because the server stops.
  void AnswerWaiting();

  // The number of waiting clients.
  size_t waiter_count() const { return pending_.waiter_count() + evicted_.size(); }

 private:
  bool SendFound(const Client& client, const CacheKey& key);
  void TurnAway(const Client& client, const CacheEntryRef& stale, Limit limit);
  void TakeEvicted();
  void OnTurnEnd() override;
  // What is known of the answer to a key.
  struct KnownParts {
    std::unique_ptr<AliasChain> chain;  // Null if nothing is known.
    AliasFollower::Step step = AliasFollower::Step::kAsk;
    CacheEntryRef answer;  // Null unless all parts are known.
  };
  KnownParts FindParts(const CacheKey& key, Asker asker);
  ExchangeFailure BeginExchange(const Query& query, const CacheKey& key, Asker asker,
                                KnownParts known);
  void NoteIfLimit(ExchangeFailure failure);
  void OnExchangeDone(const CacheKey& key, MonoTime deadline, Asker asker,
                      const ExchangeOr<UpstreamResponse>& response);
  void Finish(const CacheKey& key, const ExchangeOr<UpstreamResponse>& response, size_t zone);
  size_t ZoneOf(const Question& question) const;
  size_t ZoneOf(const CacheKey& key) const;
  void NoteAnswered(const CacheKey& key, size_t zone);
  CacheEntryRef StoreJoined(const CacheKey& key, const AliasChain& chain);
  ExchangeOr<ExchangeId> BeginNextPart(std::unique_ptr<AliasChain> chain);
  void Continue(std::unique_ptr<AliasChain> chain);
  void OnPartDone(std::unique_ptr<AliasChain> chain, const ExchangeOr<UpstreamResponse>& response);
  void OnTimer();
  void ArmTimer();
  CacheEntryRef NoteFailure(const CacheKey& key, size_t zone, ExchangeFailure reason,
                            const FailureErrors& error);
  void FinishMiss(const Waiter& waiter);
  void UpdateGauges();

  Environment env_;
  AliasFollower aliases_;
  PendingQueries pending_;
  std::vector<std::pair<Limit, Waiter>> evicted_;  // To be answered when the turn ends.
  std::unique_ptr<Timer> timer_;                   // Fires at or before the earliest deadline.
  MonoTime timer_due_;
  bool ended_ = false;  // AnswerWaiting() was called.
};

}  // namespace dotcache

#endif  // DOTCACHE_ANSWER_FORWARDER_H_
