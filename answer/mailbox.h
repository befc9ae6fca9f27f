// SPDX-License-Identifier: Apache-2.0
// What one worker hands to another: cache misses, and the replies to them.
#ifndef DOTCACHE_ANSWER_MAILBOX_H_
#define DOTCACHE_ANSWER_MAILBOX_H_

#include <atomic>
#include <cstddef>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "answer/reply_sink.h"
#include "cache/cache_entry.h"
#include "cache/cache_key.h"
#include "core/clock.h"
#include "core/event_loop.h"
#include "core/mutex.h"
#include "dns/query.h"

namespace dotcache {

// A query for the worker that owns its name. Holds values only, and a counted reference to an
// immutable entry.
struct HandedQuery {
  Query query;
  CacheKey key;
  ReplyAddress address;
  CacheEntryRef stale;  // Stale data for the reply. Null if there is none.
  MonoTime received_at;
  size_t from = 0;         // The worker of the client.
  bool has_client = true;  // False: a prefetch.
};

// A reply for the worker that has the client's connection.
struct HandedReply {
  ReplyAddress address;
  WireMessage wire;  // Empty: the query counts as answered, but nothing is sent.
};

struct Mail {
  std::vector<HandedQuery> queries;
  std::vector<HandedReply> replies;
};

// The queue of one worker. The worker's thread opens, reads and closes it; any thread may call the
// other functions. It outlives all workers. Mail that comes before Open() waits.
//
// Limits: `max_queries` places for queries. A place is taken by ReserveQuery() and given back by
// ReleaseQueries(). Replies have no limit of their own, but their octets are counted.
class Mailbox {
 public:
  class Reader {
   public:
    virtual ~Reader() = default;
    // There is mail. Called in a turn of the reader's loop.
    virtual void OnMail() = 0;
  };

  explicit Mailbox(size_t max_queries) : max_queries_(max_queries) {}

  // `loop` and `reader` must stay valid until Close().
  void Open(EventLoop& loop, Reader& reader);
  // Drops the mail. Put() fails from now on.
  void Close();
  // Removes and returns all mail.
  Mail Take();
  // Calls the reader once more in a later turn.
  void Wake();
  void ReleaseQueries(size_t count) { queries_.fetch_sub(count, std::memory_order_acq_rel); }
  void ReleaseReplyOctets(size_t count) {
    reply_octets_.fetch_sub(count, std::memory_order_relaxed);
  }

  // Takes a place for one query. Returns false at the limit.
  bool ReserveQuery();
  // Puts mail into the box and empties the vector. The first mail after a Take() wakes the reader.
  // Returns false, and leaves the vector as it is, if the box is closed.
  bool Put(std::vector<HandedQuery>& queries);
  bool Put(std::vector<HandedReply>& replies);
  // Queries that were reserved and not released.
  size_t query_count() const { return queries_.load(std::memory_order_acquire); }
  void AddReplyOctets(size_t count) { reply_octets_.fetch_add(count, std::memory_order_relaxed); }
  // Octets of replies that the reader has not handled.
  size_t reply_octets() const { return reply_octets_.load(std::memory_order_relaxed); }

 private:
  void WakeLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Deliver();
  template <typename T>
  bool PutIn(std::vector<T> Mail::*member, std::vector<T>& items);

  const size_t max_queries_;
  std::atomic<size_t> queries_{0};
  std::atomic<size_t> reply_octets_{0};
  Mutex mutex_;
  Mail mail_ ABSL_GUARDED_BY(mutex_);
  EventLoop* loop_ ABSL_GUARDED_BY(mutex_) = nullptr;  // Null before Open() and after Close().
  Reader* reader_ ABSL_GUARDED_BY(mutex_) = nullptr;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  bool woken_ ABSL_GUARDED_BY(mutex_) = false;  // A task that calls the reader is on its way.
};

}  // namespace dotcache

#endif  // DOTCACHE_ANSWER_MAILBOX_H_
