// SPDX-License-Identifier: Apache-2.0
// The notes of one worker on their way to the writer of the query log.
#ifndef DOTCACHE_QUERY_LOG_NOTE_QUEUE_H_
#define DOTCACHE_QUERY_LOG_NOTE_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "core/bytes.h"
#include "core/counters.h"
#include "core/mutex.h"
#include "query_log/query_note.h"

namespace dotcache {

// One record that waits for the writer.
struct QueuedNote {
  QueryNote note;
  WireMessage message;  // Empty for lines of text.
};

// The notes of one worker until the writer takes them. At kMaxNotes or kMaxOctets a note is dropped
// and counted, so the worker never waits for the writer. The lock is held for a copy or a swap.
class NoteQueue {
 public:
  static constexpr size_t kMaxNotes = 16384;
  static constexpr size_t kMaxOctets = size_t{4} << 20;  // Of all messages.

  // `with_messages`: notes have their message, and queries are noted too. `upstream`: queries to
  // upstream servers are noted.
  NoteQueue(int sample, bool with_messages, bool upstream = false)
      : sample_(sample), with_messages_(with_messages), upstream_(upstream) {}

  // Called by the worker. `message` is valid during the call. A query of a client and its reply are
  // added if IsSampled() is true.
  void Add(const QueryNote& note, Bytes message);
  // The same with the time of the reply, which is now.
  void AddReply(QueryNote note, Bytes message);
  bool wants_queries() const { return with_messages_; }
  bool wants_upstream() const { return upstream_; }
  // One in `sample` queries. All notes that belong to a query of this client at this time are
  // sampled, or none.
  bool IsSampled(const Endpoint& client, MonoTime received_at) const;

  // Called by the writer. `notes` must be empty.
  void Take(std::vector<QueuedNote>& notes);
  uint64_t drops() const { return drops_.value(); }

 private:
  const int sample_;
  const bool with_messages_;
  const bool upstream_;
  Mutex mutex_;
  std::vector<QueuedNote> notes_ ABSL_GUARDED_BY(mutex_);
  size_t octets_ ABSL_GUARDED_BY(mutex_) = 0;
  Counter drops_;
};

}  // namespace dotcache

#endif  // DOTCACHE_QUERY_LOG_NOTE_QUEUE_H_
