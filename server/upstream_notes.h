// SPDX-License-Identifier: Apache-2.0
// Notes the messages of upstream servers for the query log.
#ifndef DOTCACHE_SERVER_UPSTREAM_NOTES_H_
#define DOTCACHE_SERVER_UPSTREAM_NOTES_H_

#include <memory>

#include "query_log/note_queue.h"
#include "server/upstream_plan.h"
#include "upstream/api/message_observer.h"

namespace dotcache {

// Bound to the thread of its worker.
class UpstreamNotes : public MessageObserver {
 public:
  // Null if the log is off. `queue` and `plan` outlive this object; the plan in force tells the
  // zone of a query.
  UpstreamNotes(NoteQueue* queue, const std::shared_ptr<const UpstreamPlan>& plan)
      : queue_(queue), plan_(plan) {}

  bool on() const { return queue_ != nullptr && queue_->wants_upstream(); }
  void OnQuerySent(const ObservedMessage& query) override;
  void OnResponse(const ObservedMessage& response) override;

 private:
  QueryNote NoteFor(NoteKind kind, const ObservedMessage& message) const;

  NoteQueue* const queue_;
  const std::shared_ptr<const UpstreamPlan>& plan_;
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_UPSTREAM_NOTES_H_
