// SPDX-License-Identifier: Apache-2.0
// How many queries a server answers on one connection.
#ifndef DOTCACHE_UPSTREAM_CONNECTION_ANSWER_LIMIT_H_
#define DOTCACHE_UPSTREAM_CONNECTION_ANSWER_LIMIT_H_

#include <cstdint>
#include <limits>

#include "core/clock.h"

namespace dotcache {

// Learns from a server that closes a connection while queries wait on it. The server may have
// reached a number of answers, or was restarted. For ten seconds, connections carry no more queries
// than that number. If a connection is then closed at the same number, this is the server's limit,
// for a minute. A number that another connection has exceeded within ten minutes is no limit. One
// for each server; not thread-safe.
class AnswerLimit {
 public:
  static constexpr uint32_t kUnlimited = std::numeric_limits<uint32_t>::max();

  // How many queries a connection may carry.
  uint32_t Allowed(MonoTime now) const { return now < until_ ? learned_ : kUnlimited; }

  // A connection has so many responses now.
  void NoteAnswered(uint32_t answered, MonoTime now) {
    if (answered < most_ && now - most_at_ < Seconds(600)) return;
    most_ = answered;
    most_at_ = now;
  }

  // The server closed a connection with queries on it after `answered` responses.
  void NoteClosedByServer(uint32_t answered, MonoTime now) {
    if (answered == 0) return;  // One of the queries may be the reason.
    if (answered < most_ && now - most_at_ < Seconds(600)) return;
    const bool again = answered == learned_;
    learned_ = answered;
    until_ = now + (again ? Seconds(60) : Seconds(10));
  }

 private:
  uint32_t learned_ = kUnlimited;
  MonoTime until_;
  uint32_t most_ = 0;  // The most responses of one connection, lately,
  MonoTime most_at_;   // and when it had them.
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_CONNECTION_ANSWER_LIMIT_H_
