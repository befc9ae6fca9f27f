// SPDX-License-Identifier: Apache-2.0
// The steps that every query takes.
#ifndef DOTCACHE_ANSWER_QUERY_HANDLER_H_
#define DOTCACHE_ANSWER_QUERY_HANDLER_H_

#include <optional>

#include "answer/access_policy.h"
#include "answer/client_cookies.h"
#include "answer/client_rate.h"
#include "answer/forwarder.h"
#include "answer/handoff_board.h"
#include "answer/miss_handoff.h"
#include "answer/own_answers.h"
#include "answer/reply_rate.h"
#include "answer/reply_sink.h"
#include "answer/reply_times.h"
#include "answer/reply_writer.h"
#include "answer/server_limits.h"
#include "answer/top_queries.h"
#include "answer/worker_counters.h"
#include "cache/response_cache.h"
#include "core/event_loop.h"
#include "dns/query.h"
#include "local/local_names.h"
#include "query_log/note_queue.h"
#include "upstream/api/exchanger.h"
#include "upstream/pool/loop_watch.h"

namespace dotcache {

// How a message was handled, for the listener.
enum class HandleResult {
  kReplied,  // The reply was given to the sink inside the call.
  kPending,  // The reply will be given to the sink later.
  kDropped,  // There is no reply. Over UDP the query is ignored; a stream connection is closed.
};

// What a handler needs to hand misses to the handlers of other workers.
struct HandoffPeers {
  HandoffBoard& board;
  size_t worker;  // The number of the handler's own worker.
  ReplySinks& sinks;
};

// Handles each message from a listener: validation, access list, local names, cache, forwarding,
// reply (docs/life_of_a_query.md). This class only orders the steps; each step is a module of its
// own. Bound to its loop's thread. Limits: those of Forwarder. The destructor cancels all
// exchanges.
class QueryHandler {
 public:
  // All of these are shared and must outlive the handler.
  struct Environment {
    EventLoop& loop;
    ResponseCache& cache;
    Exchanger* exchanger;  // Null in a worker without upstream servers. It then needs a `handoff`.
    const AccessPolicy& access;
    const LocalNames* local_names;  // Null if there are no local names.
    WorkerCounters& counters;
    const ServerLimits& limits;
    const ClientCookies* cookies = nullptr;              // Null if cookies are off.
    const OwnAnswers* own_answers = nullptr;             // Null if there are none.
    LoopWatch* loops = nullptr;                          // Null if loop probes are not recognized.
    std::optional<HandoffPeers> handoff = std::nullopt;  // Empty if there is only one worker.
    ReplyRate* reply_rate = nullptr;                     // Null if there is no limit.
    const ZoneNames* zones = nullptr;                    // Null if no zone has servers of its own.
    NoteQueue* query_log = nullptr;                      // Null if it is off.
    AnswerTimes* answer_times = nullptr;  // Null: a remembered failure stays for its time.
    TopQueries* top = nullptr;            // Null if queries are never counted.
    size_t worker = 0;                    // The number of the handler's worker, for `top`.
    ClientRate* client_rate = nullptr;    // Null if no client has a rate.
  };

  // The parts of Environment that UseRules() replaces, with the same meaning.
  struct Rules {
    const AccessPolicy* access;
    const LocalNames* local_names;
    const ClientCookies* cookies;
    const OwnAnswers* own_answers;
    const ZoneNames* zones;
    AnswerTimes* answer_times;
    ClientRate* client_rate;
  };

  explicit QueryHandler(const Environment& environment);

  // Handles the next messages by these rules, which must outlive the handler or the next call.
  void UseRules(const Rules& rules);

  // Handles one message. `cut` is true if the datagram was longer than the receive buffer.
  // `message` and `address` need to be valid only during the call.
  HandleResult Handle(Bytes message, bool cut, const ReplyAddress& address, ReplySink& sink);

  // The caller passes no more messages. Returns true when no client waits for an exchange of this
  // worker, and no other worker can hand over a query.
  bool Finish();

  // Replies to all clients that wait for an exchange, with stale data or SERVFAIL.
  void AnswerWaiting() {
    if (forwarder_.has_value()) forwarder_->AnswerWaiting();
  }

  // The number of clients that wait for an exchange.
  size_t pending_count() const { return forwarder_.has_value() ? forwarder_->waiter_count() : 0; }

 private:
  HandleResult Reject(Bytes message, const Rejection& rejection, const ReplyAddress& address,
                      ReplySink& sink);
  HandleResult HandleMessage(Bytes message, bool cut, const ReplyAddress& address, ReplySink& sink);
  // Handles a query for which the cache has no fresh data.
  bool SendLocal(const Client& client, bool may_be_open);
  HandleResult HandleMiss(Bytes message, const Client& client, const CacheKey& key,
                          const Found& found);
  // Judges the query's cookie and sets its reply cookie. Returns false if the query is finished,
  // because its reply was sent.
  bool PassCookie(Bytes message, Query& query, const Client& client);
  // Refuses or drops a query that the access rules do not allow. Otherwise returns std::nullopt
  // and sets `rate`, the rate of its client.
  std::optional<HandleResult> CheckAccess(Bytes message, const Client& client, size_t& rate);
  std::optional<HandleResult> LimitClient(Bytes message, const Client& client, size_t rate);
  std::optional<HandleResult> LimitRate(const Client& client);
  bool IsHome(const Query& query) const {
    return !handoff_.has_value() || handoff_->IsHome(query.question.qname);
  }
  void Prefetch(const Query& query, const CacheKey& key);
  HandleResult AnswerOurselves(Bytes message, const Client& client);
  void CountRejection(RejectionReason reason) {
    env_.counters.rejections[static_cast<size_t>(reason)].Add();
  }

  const Environment env_;
  Rules rules_;
  ReplyTimes reply_times_;
  ReplyWriter replies_;
  std::optional<Forwarder> forwarder_;  // Empty without an exchanger.
  std::optional<MissHandoff> handoff_;  // Empty without other workers.
};

}  // namespace dotcache

#endif  // DOTCACHE_ANSWER_QUERY_HANDLER_H_
