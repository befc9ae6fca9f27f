// SPDX-License-Identifier: Apache-2.0
// The life of one query.
#ifndef DOTCACHE_SERVER_QUERY_HANDLER_H_
#define DOTCACHE_SERVER_QUERY_HANDLER_H_

#include "cache/response_cache.h"
#include "core/event_loop.h"
#include "dns/query.h"
#include "local/local_names.h"
#include "server/access_policy.h"
#include "server/client_cookies.h"
#include "server/forwarder.h"
#include "server/own_answers.h"
#include "server/reply_sink.h"
#include "server/reply_writer.h"
#include "server/server_options.h"
#include "server/worker_counters.h"
#include "upstream/exchanger.h"
#include "upstream/loop_watch.h"

namespace dotcache {

// What the listener must know about a message it handed over.
enum class HandleResult {
  kReplied,  // The reply went to the sink inside the call.
  kPending,  // It will.
  kDropped,  // There is none: silence over UDP, the end of a stream connection.
};

// Takes a message from any listener through validation, access, local names, cache and upstream to
// its reply (docs/life_of_a_query.md). It only sequences; each step is a module of its own. Bound
// to its loop's thread. Limits: those of Forwarder. Destroyed, it cancels what is pending.
class QueryHandler {
 public:
  // What the handler works with. All are shared with others and outlive it.
  struct Environment {
    EventLoop& loop;
    ResponseCache& cache;
    Exchanger& exchanger;
    const AccessPolicy& access;
    const LocalNames* local_names;  // Null: nothing is answered here.
    WorkerCounters& counters;
    const ServerLimits& limits;
    const ClientCookies* cookies = nullptr;   // Null: switched off.
    const OwnAnswers* own_answers = nullptr;  // Null: none.
    LoopWatch* loops = nullptr;               // Null: our probes are not known when they come back.
  };

  explicit QueryHandler(const Environment& environment);

  // Handles one message. `cut` says that the datagram was longer than what was received. The views
  // need to last for the call alone.
  HandleResult Handle(Bytes message, bool cut, const ReplyAddress& address, ReplySink& sink);

  // Clients that wait for upstream.
  size_t pending_count() const { return forwarder_.waiter_count(); }

 private:
  HandleResult Reject(Bytes message, const Rejection& rejection, const ReplyAddress& address,
                      ReplySink& sink);
  // What is not in the cache, or not fresh.
  HandleResult HandleMiss(Bytes message, const Client& client, const CacheKey& key,
                          const Found& found);
  // Sets the query's reply cookie. False: the cookie has decided, and the reply is sent.
  bool PassCookie(Bytes message, Query& query, const Client& client);
  HandleResult AnswerOurselves(Bytes message, const Client& client);
  void CountRejection(RejectionReason reason) {
    env_.counters.rejections[static_cast<size_t>(reason)].Add();
  }

  const Environment env_;
  ReplyWriter replies_;
  Forwarder forwarder_;
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_QUERY_HANDLER_H_
