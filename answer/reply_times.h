// SPDX-License-Identifier: Apache-2.0
// Measures how long replies take that wait for nothing.
#ifndef DOTCACHE_ANSWER_REPLY_TIMES_H_
#define DOTCACHE_ANSWER_REPLY_TIMES_H_

#include <cstdint>
#include <utility>

#include "core/counters.h"
#include "core/event_loop.h"

namespace dotcache {

// Records the time from the start of the loop's turn to its end for the replies that were sent in
// it, so that a flood of queries in one turn shows. To read the clock for each turn would cost a
// reply from the cache more than 1 %. So at most one turn in kInterval is measured, and its time
// also counts for the replies since the turn before. The replies of the latest turns are recorded
// with the next one. Bound to its loop's thread.
class ReplyTimes : private TurnEndHook {
 public:
  static constexpr Milliseconds kInterval{1};

  // Both must outlive this object.
  ReplyTimes(EventLoop& loop, QueryTimeHistogram& times) : loop_(loop), times_(times) {}
  ReplyTimes(const ReplyTimes&) = delete;
  ReplyTimes& operator=(const ReplyTimes&) = delete;
  ~ReplyTimes() override { loop_.CancelTurnEnd(*this); }

  // A reply was sent in this turn to a query that arrived in this turn.
  void Note() {
    ++replies_;
    if (measuring_ || loop_.Now() < next_) return;
    measuring_ = true;
    loop_.RunAtTurnEnd(*this);
  }

 private:
  void OnTurnEnd() override {
    measuring_ = false;
    next_ = loop_.Now() + kInterval;
    times_.Record(loop_.FreshNow() - loop_.Now(), std::exchange(replies_, 0));
  }

  EventLoop& loop_;
  QueryTimeHistogram& times_;
  uint64_t replies_ = 0;  // Not recorded yet.
  bool measuring_ = false;
  MonoTime next_;
};

}  // namespace dotcache

#endif  // DOTCACHE_ANSWER_REPLY_TIMES_H_
