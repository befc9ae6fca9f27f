// SPDX-License-Identifier: Apache-2.0
// Hands cache misses to the workers that own their names.
#ifndef DOTCACHE_ANSWER_MISS_HANDOFF_H_
#define DOTCACHE_ANSWER_MISS_HANDOFF_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "answer/forwarder.h"
#include "answer/handoff_board.h"
#include "answer/mailbox.h"
#include "answer/reply_writer.h"
#include "core/event_loop.h"

namespace dotcache {

// One worker's end of the hand-off. Sends the worker's misses to the owners of their names. Takes
// the misses of other workers, and gives them to the worker's own Forwarder. All mail of one turn
// leaves together when the turn ends, so many queries cost one wake-up of the owner.
//
// - The owner replies to a UDP client from its own socket of the same listener.
// - The reply to a stream client goes back to the worker of its connection.
// - A query that cannot be handed over gets stale data or SERVFAIL: the owner's mailbox is full, or
//   the owner has stopped.
//
// Bound to its loop's thread. Limits: those of Mailbox; kQueriesPerTurn handed queries are taken in
// one turn; beyond kMaxReplyOctets of unhandled replies for one worker, replies are dropped.
class MissHandoff : private TurnEndHook, private Mailbox::Reader {
 public:
  // All of these must outlive this object.
  struct Environment {
    EventLoop& loop;
    HandoffBoard& board;
    size_t worker;
    ReplySinks& sinks;
    ReplyWriter& replies;
    WorkerCounters& counters;
    Forwarder* forwarder;  // Null if this worker owns no names.
  };

  static constexpr size_t kQueriesPerTurn = 256;
  static constexpr size_t kMaxReplyOctets = size_t{8} * 1024 * 1024;

  explicit MissHandoff(const Environment& environment);
  // Queries that other workers handed over and that are not forwarded yet get no reply.
  ~MissHandoff() override;

  // True if this worker forwards queries for the name itself.
  bool IsHome(const DomainName& qname) const { return env_.board.OwnerOf(qname) == env_.worker; }

  // Hands a miss to its owner. `stale` is the stale data for the key, or null. Returns false if
  // that is not possible. The reply was then sent inside the call.
  bool HandOver(const Client& client, const CacheKey& key, const CacheEntryRef& stale);

  // Lets the owner refresh an entry. Does nothing if the owner's mailbox is full.
  void HandOverPrefetch(const Query& query, const CacheKey& key);

  // The caller has no more queries to hand over. Returns true when this also holds for all workers
  // that hand queries to this one, and all of those queries were taken.
  bool Finish();

 private:
  class StreamSink;

  void OnTurnEnd() override;
  void OnMail() override;
  void TurnAway(const HandedQuery& handed);
  void Forward(const HandedQuery& handed);
  void Deliver(const HandedReply& reply);

  const Environment env_;
  Mailbox& mailbox_;
  std::vector<std::vector<HandedQuery>> queries_;  // To hand over at the end of the turn, by owner.
  std::deque<HandedQuery> taken_;                  // From the mailbox, to forward.
  WireMessage reply_buffer_;  // The reply to a stream client that is being built.
  std::vector<std::unique_ptr<StreamSink>> stream_sinks_;  // By worker of the client.
  bool finished_ = false;
};

}  // namespace dotcache

#endif  // DOTCACHE_ANSWER_MISS_HANDOFF_H_
