// SPDX-License-Identifier: Apache-2.0
// Limits equal replies to one network over UDP (response rate limiting).
#ifndef DOTCACHE_ANSWER_REPLY_RATE_H_
#define DOTCACHE_ANSWER_REPLY_RATE_H_

#include <atomic>
#include <cstdint>

#include "core/clock.h"
#include "core/rate_table.h"
#include "core/siphash.h"
#include "dns/question.h"
#include "net/endpoint.h"

namespace dotcache {

struct ReplyRateOptions {
  // Replies with the same answer to one network in a second, and twice as many at once. 0: no
  // limit.
  int per_second = 0;
  // One in this many queries over the limit gets a truncated reply, each other one gets no reply.
  // 0: none gets a reply.
  int slip = 2;
};

// The source address of a UDP query may be spoofed. The replies then go to a victim and are longer
// than the queries. This class limits, as RRL in BIND and Knot does:
// - the replies to one question from one network: `per_second`;
// - all replies to one network: kAllFactor times `per_second`.
// A network is an IPv4 /24 or an IPv6 /56. Clients on loopback have no limit. Neither have clients
// over TCP and DoT or with a valid server cookie: the caller does not ask for them.
//
// A truncated reply is not longer than its query, except for a cookie. It lets a real client of the
// network retry over TCP.
//
// All workers share it; any thread may call it. Its memory is fixed (RateTable).
class ReplyRate {
 public:
  static constexpr int kAllFactor = 20;
  enum class Verdict { kReply, kTruncate, kDrop };

  explicit ReplyRate(const ReplyRateOptions& options);

  // False if there is no limit. Judge() is then not needed.
  bool enabled() const { return per_second_.load(std::memory_order_relaxed) > 0; }

  // Uses other options from now on.
  void Use(const ReplyRateOptions& options);

  // Decides about the reply to a UDP query.
  Verdict Judge(const Endpoint& client, const Question& question, MonoTime now);

 private:
  std::atomic<int> per_second_;
  std::atomic<int> slip_;
  const HashSeed seed_ = HashSeed::Random();
  RateTable answers_;
  RateTable networks_;
};

}  // namespace dotcache

#endif  // DOTCACHE_ANSWER_REPLY_RATE_H_
