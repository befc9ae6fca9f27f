// SPDX-License-Identifier: Apache-2.0
#include "answer/miss_handoff.h"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>

#include "answer/extended_errors.h"

namespace dotcache {

// Collects the replies of one turn to the stream clients of another worker.
class MissHandoff::StreamSink : public ReplySink {
 public:
  StreamSink(MissHandoff& handoff, size_t worker)
      : handoff_(handoff), mailbox_(handoff.env_.board.mailbox(worker)) {}

  MutableBytes ReserveReply(const ReplyAddress&) override {
    return MutableBytes(handoff_.reply_buffer_);
  }

  void CommitReply(const ReplyAddress& address, size_t size) override {
    if (mailbox_.reply_octets() + size > kMaxReplyOctets) {
      handoff_.env_.counters.limit(Limit::kUnread).Add();
      size = 0;
    }
    mailbox_.AddReplyOctets(size);
    const Bytes reply = Bytes(handoff_.reply_buffer_).first(size);
    replies_.push_back({address, WireMessage(reply.begin(), reply.end())});
    handoff_.env_.loop.RunAtTurnEnd(handoff_);
  }

  // If the client's worker has stopped, its connections have ended.
  void Flush() {
    if (!replies_.empty() && !mailbox_.Put(replies_)) replies_.clear();
  }

 private:
  MissHandoff& handoff_;
  Mailbox& mailbox_;
  std::vector<HandedReply> replies_;
};

MissHandoff::MissHandoff(const Environment& environment)
    : env_(environment),
      mailbox_(environment.board.mailbox(environment.worker)),
      queries_(environment.board.worker_count()),
      reply_buffer_(environment.forwarder == nullptr ? 0 : kMaxMessageSize) {
  for (size_t worker = 0; worker < env_.board.worker_count(); ++worker) {
    stream_sinks_.push_back(std::make_unique<StreamSink>(*this, worker));
  }
  mailbox_.Open(env_.loop, *this);
}

MissHandoff::~MissHandoff() {
  mailbox_.Close();
  env_.loop.CancelTurnEnd(*this);
}

bool MissHandoff::HandOver(const Client& client, const CacheKey& key, const CacheEntryRef& stale) {
  const MonoTime now = env_.loop.Now();
  const size_t owner = env_.board.OwnerOf(client.query.question.qname);
  assert(owner != env_.worker);
  if (!env_.board.mailbox(owner).ReserveQuery()) {
    env_.counters.limit(Limit::kHandOff).Add();
    env_.replies.SendAfterFailure(client, stale, now, ErrorForLimit(Limit::kHandOff));
    return false;
  }
  env_.counters.handed_queries.Add();
  queries_[owner].push_back({client.query, key, client.address, stale, now, env_.worker});
  env_.loop.RunAtTurnEnd(*this);
  return true;
}

void MissHandoff::HandOverPrefetch(const Query& query, const CacheKey& key) {
  const size_t owner = env_.board.OwnerOf(query.question.qname);
  if (!env_.board.mailbox(owner).ReserveQuery()) return;
  queries_[owner].push_back({query, key, {}, nullptr, env_.loop.Now(), env_.worker, false});
  env_.loop.RunAtTurnEnd(*this);
}

void MissHandoff::OnTurnEnd() {
  for (size_t owner = 0; owner < queries_.size(); ++owner) {
    std::vector<HandedQuery>& queries = queries_[owner];
    if (queries.empty() || env_.board.mailbox(owner).Put(queries)) continue;
    for (const HandedQuery& handed : queries) TurnAway(handed);
    queries.clear();
  }
  for (const auto& sink : stream_sinks_) sink->Flush();
}

// Called when the owner has stopped. Its worker ends, and this one ends soon.
void MissHandoff::TurnAway(const HandedQuery& handed) {
  if (!handed.has_client) return;
  const Client client{handed.query, handed.address, env_.sinks.SinkFor(handed.address),
                      handed.received_at};
  env_.replies.SendAfterFailure(client, handed.stale, env_.loop.Now(), ErrorForStop());
}

void MissHandoff::OnMail() {
  Mail mail = mailbox_.Take();
  for (const HandedReply& reply : mail.replies) Deliver(reply);
  std::move(mail.queries.begin(), mail.queries.end(), std::back_inserter(taken_));
  const size_t count = std::min(taken_.size(), kQueriesPerTurn);
  for (size_t i = 0; i < count; ++i) {
    Forward(taken_.front());
    taken_.pop_front();
  }
  mailbox_.ReleaseQueries(count);
  if (!taken_.empty()) mailbox_.Wake();
}

void MissHandoff::Forward(const HandedQuery& handed) {
  assert(env_.forwarder != nullptr);
  if (!handed.has_client) return env_.forwarder->Prefetch(handed.query, handed.key);
  ReplySink& sink = handed.address.transport == Transport::kUdp ? env_.sinks.SinkFor(handed.address)
                                                                : *stream_sinks_[handed.from];
  env_.forwarder->ForwardHanded({handed.query, handed.address, sink, handed.received_at},
                                handed.key, handed.stale, handed.received_at);
}

void MissHandoff::Deliver(const HandedReply& reply) {
  mailbox_.ReleaseReplyOctets(reply.wire.size());
  ReplySink& sink = env_.sinks.SinkFor(reply.address);
  const MutableBytes buffer = sink.ReserveReply(reply.address);
  if (buffer.empty()) return;
  std::copy(reply.wire.begin(), reply.wire.end(), buffer.begin());
  sink.CommitReply(reply.address, reply.wire.size());
}

bool MissHandoff::Finish() {
  const auto is_empty = [](const std::vector<HandedQuery>& queries) { return queries.empty(); };
  if (!finished_ && std::all_of(queries_.begin(), queries_.end(), is_empty)) {
    finished_ = true;
    env_.board.NoteFinished();
  }
  if (env_.forwarder == nullptr) return finished_;
  return finished_ && env_.board.all_finished() && mailbox_.query_count() == 0;
}

}  // namespace dotcache
