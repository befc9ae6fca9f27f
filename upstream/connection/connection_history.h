// SPDX-License-Identifier: Apache-2.0
// Counts of one connection, from which the limits of its server are learned.
#ifndef DOTCACHE_UPSTREAM_CONNECTION_CONNECTION_HISTORY_H_
#define DOTCACHE_UPSTREAM_CONNECTION_CONNECTION_HISTORY_H_

#include <array>
#include <cstdint>
#include <utility>

#include "core/clock.h"
#include "upstream/connection/server_habits.h"

namespace dotcache {

// Counts the queries and responses of one connection, and updates ServerHabits. Owned by the
// connection; not thread-safe.
class ConnectionHistory {
 public:
  // A query's place among the others.
  struct Place {
    uint32_t number = 0;           // It counts the queries of the connection.
    uint32_t answered_before = 0;  // The responses that had come when it was sent.
  };

  explicit ConnectionHistory(ServerHabits& habits) : habits_(habits) {}

  // A query is sent. `pause`: how long the connection was without one, or 0.
  Place NoteSent(Duration pause) {
    if (pause > Duration::zero()) {
      pause_ = pause;
      answered_before_pause_ = answered_;
    }
    return {sent_++, answered_};
  }

  // A response for this query came.
  void NoteResponse(const Place& place, MonoTime now) {
    latest_answered_[answered_++ % latest_answered_.size()] = place.number;
    habits_.answers.NoteAnswered(answered_, now);
  }

  // The query was answered in time; or was not, but later or elsewhere.
  void NoteInTime(const Place& place) {
    if (IsJudged(place)) habits_.pipeline.NoteAnswered(MetAnother(place));
  }
  void NoteOverdue(const Place& place, MonoTime now) {
    if (IsJudged(place)) habits_.pipeline.NoteOverdue(MetAnother(place), now);
  }

  // The server answers on another connection and not on this one. A device on the path may have
  // dropped this one while it had no query.
  void NoteReplaced() {
    if (pause_ < kNoticeablePause || answered_ > answered_before_pause_) return;
    habits_.idle.NoteClosedByServer(std::exchange(pause_, Duration::zero()));
  }

  // The server closed it with queries on it. If none was answered after a pause, the pause is why.
  void NoteClosedByServer(MonoTime now) {
    NoteReplaced();
    if (answered_ > answered_before_pause_) habits_.answers.NoteClosedByServer(answered_, now);
  }

  // It has carried as many queries as the server answers, or carries one at a time.
  bool IsUsedUp(MonoTime now) const { return sent_ >= habits_.answers.Allowed(now); }
  bool IsOne(MonoTime now) const { return habits_.pipeline.IsOne(now); }
  // The queries that it may carry at once.
  uint32_t Capacity(MonoTime now) const { return IsOne(now) ? 1 : habits_.answers.Allowed(now); }
  bool IsDoubtful() const { return habits_.pipeline.IsDoubtful(); }

 private:
  // After a shorter pause, a device on the path has not dropped a connection.
  static constexpr Duration kNoticeablePause = Seconds(1);

  // A response came since, and not too many.
  bool IsJudged(const Place& place) const {
    const uint32_t since = answered_ - place.answered_before;
    return since > 0 && since <= latest_answered_.size();
  }
  // The server was still to answer an earlier query when this one was sent, because the response
  // that came next was for an earlier one.
  bool MetAnother(const Place& place) const {
    return latest_answered_[place.answered_before % latest_answered_.size()] < place.number;
  }

  ServerHabits& habits_;
  uint32_t sent_ = 0;
  uint32_t answered_ = 0;
  std::array<uint32_t, 64> latest_answered_{};  // The numbers of the queries.
  Duration pause_{0};                           // The latest.
  uint32_t answered_before_pause_ = 0;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_CONNECTION_CONNECTION_HISTORY_H_
