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

// What is known about a server from its connections. The content of its responses has no influence.
//
//   kUp       initially, and after any message from it.
//   kOnTrial  all its connections are silent. It is asked for a sign of life on a new one.
//   kDown     that sign did not come, or a connect failed while no connection was ready, or three
//             connections were lost in a row. Connections lost within one second count as one: a
//             burst of queries that make the server close them is no evidence about
//             other queries. The next probe is due after 0.5 s x 2^n, at most 30 s, give or take a
//             quarter. n continues to count while the server is up for less than 30 s in between,
//             so that a flapping server is seldom probed. A certificate that fails means 30 s at
//             once.
//
// A value without a clock of its own; not thread-safe.
class UpstreamHealth {
 public:
  enum class State : uint8_t { kUp, kOnTrial, kDown };

  State state() const { return state_; }
  bool down() const { return state_ == State::kDown; }

  // REQUIRES: down().
  MonoTime next_probe() const { return next_probe_; }

  // The latest transport failure.
  UpstreamFailure last_failure() const { return last_failure_; }

  // Transport failures since the latest message.
  int failures_in_row() const { return failures_in_row_; }

  // The expected response time of a query sent now: the mean, or the longest silence since the
  // latest response if that is more. The mean is smoothed as in RFC 6298 section 2; each sample is
  // cut to three times the mean. nullopt before the first response or silence.
  std::optional<Duration> response_time() const;

  // How much longer responses take than at the best of times, because they wait for one another.
  // The best of times fades by 1/4096 for each response.
  Duration queueing_time() const {
    return mean_.has_value() ? *mean_ - best_mean_ : Duration::zero();
  }

  // 19 of 20 responses take less. nullopt before the first.
  std::optional<Duration> slow_response_time() const { return slow_; }

  // clamp(mean + 4 deviations, min, max) of the limits. While the mean is unknown, three times the
  // connect time, at most 400 ms.
  Duration AttemptTimeout(const UpstreamLimits& limits) const;

  // How long a connection with two queries on it may be silent: max(4 x mean, 40 ms), or the
  // attempt timeout while the mean is unknown.
  Duration StallTime(const UpstreamLimits& limits) const;

  // How long a server on trial or down has for a sign of life on a new connection.
  Duration TrialTime(const UpstreamLimits& limits) const;

  // A connection became ready, `elapsed` after it was begun. `proves_life`: false for UDP.
  void OnConnected(Duration elapsed, bool proves_life, MonoTime now);

  // A response came `elapsed` after the query. An error never lowers the mean: a server that fails
  // fast must not look fast.
  void OnResponse(Duration elapsed, bool usable, MonoTime now);

  // A message came.
  void OnAlive(MonoTime now);

  // No response came within `elapsed`.
  void OnSlow(Duration elapsed) { silence_ = std::max(silence_, elapsed); }

  // All connections are silent.
  void OnSilence();

  // The route to the server has changed. Earlier failures mean nothing now. A server that is down
  // is probed at once, with a new back-off.
  void OnNetworkChange(MonoTime now);

  // A transport failure; others are ignored. `connected`: another connection is ready and not
  // silent. Lack of our own resources counts only without a connection, and is tried again soon.
  void OnFailure(UpstreamFailure failure, bool connected, MonoTime now, absl::BitGenRef random);

 private:
  void AddSample(Duration sample, bool may_lower);
  void TakeDown(MonoTime now);
  void GoDown(MonoTime now, absl::BitGenRef random);
  void OnOutOfResources(bool connected, MonoTime now, absl::BitGenRef random);
  void SetNextProbe(Duration wait, MonoTime now, absl::BitGenRef random);

  State state_ = State::kUp;
  UpstreamFailure last_failure_ = UpstreamFailure::kTimeout;
  int failures_in_row_ = 0;
  int probe_waits_ = 0;  // n of the back-off.
  // It went down because it did not answer, or because of our certificate. A new connection does
  // not take it up, only a message does.
  bool must_answer_ = false;
  std::optional<MonoTime> up_since_;      // nullopt: it was never down.
  std::optional<MonoTime> counted_loss_;  // When a lost connection last counted.
  MonoTime next_probe_;
  std::optional<Duration> connect_time_;
  std::optional<Duration> mean_;
  Duration deviation_{0};
  Duration best_mean_{0};
  std::optional<Duration> slow_;
  Duration silence_{0};  // The longest wait without a response since the latest one.
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_POOL_UPSTREAM_HEALTH_H_
