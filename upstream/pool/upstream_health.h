// SPDX-License-Identifier: Apache-2.0
// Response time and health of one upstream server: arithmetic only.
#ifndef DOTCACHE_UPSTREAM_POOL_UPSTREAM_HEALTH_H_
#define DOTCACHE_UPSTREAM_POOL_UPSTREAM_HEALTH_H_

#include <algorithm>
#include <optional>

#include "absl/random/bit_gen_ref.h"
#include "core/clock.h"
#include "upstream/api/upstream_failure.h"
#include "upstream/api/upstream_options.h"

namespace dotcache {

// What is known of a server, from what was seen of it. Says nothing of its answers' content: only
// evidence about the transport marks a server down.
//
//   kUp         initially, and after any response.
//   kDown       after a failed connect when nothing else is connected, or 3 transport failures in a
//               row, where connections lost within a second are one failure: a burst of queries
//               that make it close them says nothing about others. Until next_probe(): 0.5 s x 2^n,
//               at most 30 s, give or take a quarter; n goes on counting while the server was up
//               for less than 30 s in between, so that one that flaps is asked seldom. A
//               certificate that does not verify means 30 s at once.
//   kProbation  it was down for not answering, or for our certificate, and could be connected to
//   again: one query may show
//               whether it answers; one more failure and it is down again. Or a connection with
//               queries on it has fallen silent: it is tried with one query at a time, too, but
//               goes down by failures in a row as before.
//
// A value, without a clock of its own; not thread-safe.
class UpstreamHealth {
 public:
  enum class State : uint8_t { kUp, kProbation, kDown };

  State state() const { return state_; }

  // On probation, and down before that.
  // Being connected to again is not enough for it to be up.
  bool must_answer() const { return must_answer_; }
  bool was_down() const { return state_ == State::kProbation && was_down_; }

  // REQUIRES: state() == kDown.
  MonoTime next_probe() const { return next_probe_; }

  // The latest transport failure.
  UpstreamFailure last_failure() const { return last_failure_; }

  // Transport failures since anything was received.
  int failures_in_row() const { return failures_in_row_; }

  // What a query sent now may expect: the mean response time, smoothed as RFC 6298 section 2 does,
  // each sample cut to three times the mean, so that one slow answer moves it, but does not throw
  // it; or the longest silence since the latest response, when that is more. nullopt before the
  // first of both.
  std::optional<Duration> response_time() const;

  // How much longer responses take than they did at the best of times: what waiting for one another
  // costs them, here, on the way or there. The best of times fades by a part in 4096 a response.
  Duration queueing_time() const {
    return mean_.has_value() ? *mean_ - best_mean_ : Duration::zero();
  }

  // The response time that nineteen of twenty responses stay below; nullopt before the first.
  std::optional<Duration> slow_response_time() const { return slow_; }

  // clamp(mean + 4 deviations, min, max) of the limits; for a mean still unknown, three times what
  // connecting took, 400 ms at the most.
  Duration AttemptTimeout(const UpstreamLimits& limits) const;

  // How long a connection with queries on it may say nothing before that means something:
  // max(4 x mean, 40 ms), and the attempt timeout while the mean is unknown.
  Duration StallTime(const UpstreamLimits& limits) const;

  // A connection became ready, `elapsed` after it was begun.
  void OnConnected(Duration elapsed, MonoTime now);

  // There is a way to a server that is asked over UDP. That proves little: if it was down, it must
  // answer to be up.
  void OnWayFound();

  // A response came `elapsed` after the query. An error response never lowers the mean: whoever
  // fails fast shall not look fast.
  void OnResponse(Duration elapsed, bool usable, MonoTime now);

  // A whole message came, of which nothing is known but that it came.
  void OnAlive(MonoTime now);

  // No response came within `elapsed`: it would have taken at least that long.
  void OnSlow(Duration elapsed) { silence_ = std::max(silence_, elapsed); }

  // A connection with several queries on it has said nothing for StallTime().
  void OnStall();

  // The way to the server is another: failures and silence of before mean nothing, and if it is
  // down its next probe is due, the first of a new back-off.
  void OnNetworkChange(MonoTime now);

  // A transport failure; any other is ignored. Want of resources of our own counts only where it is
  // not connected, and is tried again soon. `connected`: another connection to it is ready.
  void OnFailure(UpstreamFailure failure, bool connected, MonoTime now, absl::BitGenRef random);

 private:
  void AddSample(Duration sample, bool may_lower);
  void TakeDown(MonoTime now);
  void GoDown(MonoTime now, absl::BitGenRef random);
  void OnOutOfResources(bool connected, MonoTime now, absl::BitGenRef random);
  void SetNextProbe(Duration wait, MonoTime now, absl::BitGenRef random);
  void GoOnTrial(bool was_down);
  void GoUp(MonoTime now);

  State state_ = State::kUp;
  UpstreamFailure last_failure_ = UpstreamFailure::kTimeout;
  int failures_in_row_ = 0;
  int probe_waits_ = 0;                   // n of the back-off.
  bool must_answer_ = false;              // It was down for not answering.
  bool was_down_ = false;                 // Before it was put on probation.
  std::optional<MonoTime> up_since_;      // nullopt: it was never down.
  std::optional<MonoTime> counted_loss_;  // When a lost connection last counted.
  MonoTime next_probe_;
  std::optional<Duration> connect_time_;
  std::optional<Duration> mean_;
  Duration deviation_{0};
  Duration best_mean_{0};
  std::optional<Duration> slow_;
  Duration silence_{0};  // The longest wait in vain since the latest response.
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_POOL_UPSTREAM_HEALTH_H_
